/*
 * Numbers as text, both ways, alike in every locale. Text is decimal: no hexadecimal, no infinity,
 * no NaN, no spaces. What does not fit its bounds is refused, never wrapped or cut.
 */
#ifndef DS_BASE_NUMBER_H
#define DS_BASE_NUMBER_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the number that `text` begins with, as "-1.5e3", and tells in *end where it ends. -1 when
 * none begins there or it is larger than a double can be.
 */
int ds_number_begin(const char *text, const char **end, double *out);

/* The same of a whole number: digits alone, of at most `most`. */
int ds_whole_begin(const char *text, const char **end, uint64_t most, uint64_t *out);

/* Reads all of `text` as a number from `least` to `most`; -1 and why not in `err`. */
int ds_number(const char *text, double least, double most, double *out, struct ds_error *err);

/* The same of a whole number. */
int ds_whole(const char *text, uint64_t least, uint64_t most, uint64_t *out, struct ds_error *err);

/*
 * Writes a number in so many significant digits, or, digits being 0, in as few as read back as the
 * same double. Returns its length, as snprintf does; 32 bytes suffice.
 */
int ds_number_print(char *out, size_t size, int digits, double value);

/* Significant decimal digits from which any double can be read back. */
#define DS_NUMBER_DIGITS 17

/*
 * A number as digit[0].digit[1]... times ten to the power, correctly rounded (ties to even, as by
 * printf), and without printf's price where it is of 1e-11 to 1e17. 0 has the power 0. -1: NaN or
 * an infinity.
 */
int ds_number_digits(double value, bool *negative, char digit[DS_NUMBER_DIGITS], int *power);

#endif
