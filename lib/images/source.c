#include "images/source.h"

#include "base/grow.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int ds_images_add(struct image_source *s, char *name, size_t at, unsigned label,
                  struct ds_error *err)
{
    if (ds_grow(&s->entry, &s->room, s->n + 1, sizeof *s->entry, err)) {
        free(name);
        return -1;
    }
    s->entry[s->n++] = (struct image_entry){name, at, (uint16_t)label};
    return 0;
}

void ds_images_leave_out(struct image_source *s, const uint8_t *left_out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (left_out[i])
            free(s->entry[i].name);
        else
            s->entry[n++] = s->entry[i];
    s->n = n;
}

void ds_images_source_free(struct image_source *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->entry[i].name);
    free(s->entry);
    free(s->folder);
    free(s->data);
}

/* Reads to the end; zlib passes on what is not compressed. */
static char *read_all(gzFile file, size_t *size, struct ds_error *err)
{
    char *data = NULL;
    size_t room = 0;
    int got = 1;
    for (*size = 0; got > 0; *size += got > 0 ? (size_t)got : 0) {
        if (ds_grow(&data, &room, *size + (1 << 16) + 1, 1, err)) {
            free(data);
            return NULL;
        }
        size_t left = room - *size - 1;
        got = gzread(file, data + *size, (unsigned)(left < 1 << 30 ? left : 1 << 30));
    }
    data[*size] = 0;
    return data;
}

char *ds_images_read_gz(const char *path, size_t *size, struct ds_error *err)
{
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file) {
        ds_fail(err, "%s: %s", path, errno ? strerror(errno) : "out of memory");
        return NULL;
    }
    gzbuffer(file, 1 << 17);
    char *data = read_all(file, size, err);
    int code, system = errno;
    const char *why = gzerror(file, &code);
    bool damaged = code != Z_OK && code != Z_STREAM_END;
    if (data && damaged)
        ds_fail(err, "%s: %s", path,
                code == Z_ERRNO       ? strerror(system)
                : code == Z_BUF_ERROR ? "the file is cut off"
                                      : why);
    gzclose(file);
    if (damaged) {
        free(data);
        return NULL;
    }
    return data;
}
