/* A text file of lines `path label`. */
#include "images/source.h"

#include "base/grow.h"
#include "base/number.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where the names in the list are relative to: its own folder. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? ds_copy_text(path, slash == path ? 1 : (size_t)(slash - path), NULL)
                 : ds_copy_string(".", NULL);
}

static int add_line(struct image_source *s, const char *path, char *line, int number,
                    struct ds_error *err)
{
    char *end = line + strlen(line);
    while (end > line && isspace((unsigned char)end[-1]))
        *--end = 0;
    while (isspace((unsigned char)*line))
        line++;
    if (*line == 0 || *line == '#')
        return 0;
    char *label = end;
    while (label > line && !isspace((unsigned char)label[-1]))
        label--;
    uint64_t value;
    if (label == line || !isdigit((unsigned char)*label) || label[strspn(label, "0123456789")])
        return ds_fail(err, "%s:%d: not a path and a label: '%.80s'", path, number, line);
    if (ds_whole(label, 0, IMAGES_MOST_CLASSES - 1, &value, err))
        return ds_fail(err, "%s:%d: label %s is out of range, which is 0 to %d", path, number,
                       label, IMAGES_MOST_CLASSES - 1);
    while (label > line && isspace((unsigned char)label[-1]))
        *--label = 0;
    if (s->classes <= (int)value)
        s->classes = (int)value + 1;
    char *name = ds_copy_string(line, NULL);
    return name ? ds_images_add(s, name, 0, (unsigned)value, err) : ds_no_memory(err);
}

int ds_images_from_list(struct image_source *s, const char *path, char *text, size_t size,
                        struct ds_error *err)
{
    int rc = 0, number = 1;
    if (memchr(text, 0, size))
        return ds_fail(err,
                       "%s: neither a list of images, nor IDX, nor CIFAR (whose names end in "
                       ".bin)",
                       path);
    s->folder = folder_of(path);
    if (!s->folder)
        return ds_no_memory(err);
    for (char *next; text && rc == 0; text = next, number++) {
        next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        rc = add_line(s, path, text, number, err);
    }
    return rc;
}
