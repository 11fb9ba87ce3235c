#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

char *ds_file_read(const char *path)
{
    FILE *f = fopen(path, "rbe");
    char *text = NULL;
    size_t size = 0;
    if (!f)
        return NULL;
    if (getdelim(&text, &size, 0, f) < 0) {
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}
