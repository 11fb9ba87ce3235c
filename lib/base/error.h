/* How libds reports what went wrong: a sentence for people, handed up to the tool. */
#ifndef DS_BASE_ERROR_H
#define DS_BASE_ERROR_H

struct ds_error {
    char text[640];
};

/* Writes the sentence into `err` and returns -1, so that a function can `return ds_fail(err, ...)`.
 */
int ds_fail(struct ds_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "where: " before the sentence already in `err` and returns -1. */
int ds_fail_in(struct ds_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
