#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ds_file_write(const char *path, const void *data, size_t size, struct ds_error *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof part)
        return ds_fail(err, "%s: the name is too long", path);
    FILE *f = fopen(part, "wbe");
    if (!f)
        return ds_fail(err, "%s: cannot write: %s", path, strerror(errno));
    int bad = fwrite(data, 1, size, f) < size ? errno : 0;
    if (fclose(f) && !bad)
        bad = errno;
    if (!bad && rename(part, path))
        bad = errno;
    if (!bad)
        return 0;
    unlink(part);
    return ds_fail(err, "%s: cannot write: %s", path, strerror(bad));
}

char *ds_file_read(const char *path, size_t *size, struct ds_error *err)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    if (f && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        errno = EISDIR;
        f = NULL;
    }
    if (!f) {
        ds_fail(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t room = 16384;
    char *text = malloc(room);
    *size = 0;
    for (size_t n; text && (n = fread(text + *size, 1, room - *size - 1, f)) > 0;) {
        *size += n;
        if (*size + 1 == room) {
            char *more = realloc(text, room *= 2);
            if (!more)
                free(text);
            text = more;
        }
    }
    if (text && ferror(f)) {
        ds_fail(err, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    } else if (!text) {
        ds_fail(err, "%s: out of memory", path);
    } else {
        text[*size] = 0;
    }
    fclose(f);
    return text;
}
