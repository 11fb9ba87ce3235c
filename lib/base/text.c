#include "base/text.h"

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

size_t ds_text_character(const char *text, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = n ? (unsigned char)text[0] : 0xff;
    size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 0 || length > n || first >= 0xf8)
        return 0;
    *code = length == 1 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    bool half = *code >= 0xd800 && *code < 0xe000;
    return *code < least[length] || *code > 0x10ffff || half ? 0 : length;
}

bool ds_text_is_utf8(const char *text)
{
    uint32_t code;
    for (size_t n = strlen(text), used; n; text += used, n -= used)
        if (!(used = ds_text_character(text, n, &code)))
            return false;
    return true;
}
