#include "base/text.h"

#include <jansson.h>
#include <string.h>

char *ds_text_plain(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f) {
            text[i] = ' ';
        } else if (c == 0xc2 && i + 1 < n && ((unsigned char)text[i + 1] & 0xe0) == 0x80) {
            text[i++] = ' ';
            text[i] = ' ';
        }
    }
    return text;
}

char *ds_text_plain_copy(char *out, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);
    memcpy(out, text, n);
    out[n] = 0;
    return ds_text_plain(out, n);
}

bool ds_text_is_utf8(const char *text)
{
    json_t *json = json_string(text);
    json_decref(json);
    return json != NULL;
}
