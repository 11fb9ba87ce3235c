/* Text that came from elsewhere: in streams, files and arguments. */
#ifndef DS_BASE_TEXT_H
#define DS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Puts spaces in place of what a terminal acts on or a table breaks at: control characters, those
 * of UTF-8's second block (U+0080 to U+009F) too, and zero bytes. Returns `text`.
 */
char *ds_text_plain(char *text, size_t n);

/* The same of a copy, cut to `size` bytes. Returns `out`. */
char *ds_text_plain_copy(char *out, size_t size, const char *text);

/*
 * The first character of n bytes of UTF-8: its length, and its code; 0 where that is none (too long
 * a form, half of a pair, past U+10FFFF, cut off).
 */
size_t ds_text_character(const char *text, size_t n, uint32_t *code);

/* Whether it is UTF-8, as JSON must be. */
bool ds_text_is_utf8(const char *text);

#endif
