#include "images/decode.h"

#include <string.h>

int ds_image_decode(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err)
{
    if (size >= 3 && memcmp(file, "\xff\xd8\xff", 3) == 0)
        return ds_image_decode_jpeg(file, size, out, err);
    if (size >= 8 && memcmp(file, "\x89PNG\r\n\x1a\n", 8) == 0)
        return ds_image_decode_png(file, size, out, err);
    return ds_fail(err, size ? "neither JPEG nor PNG" : "an empty file");
}
