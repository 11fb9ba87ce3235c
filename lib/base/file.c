#include "base/file.h"

#include "base/aside.h"
#include "base/grow.h"
#include "base/interrupt.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 16384 /* bytes read at once */

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int write_aside(struct ds_aside *a, const char *path, const void *data, size_t size,
                       struct ds_error *err)
{
    int rc = write_all(a->fd, data, size)
                 ? ds_fail(err, "%s: cannot write: %s", path, strerror(errno))
                 : ds_aside_finish(a, err);
    if (rc)
        ds_aside_drop(a);
    return rc;
}

int ds_file_write(const char *path, const void *data, size_t size, struct ds_error *err)
{
    struct ds_aside a;
    ds_interrupt_hold(); /* so that a signal leaves no part */
    int rc = ds_aside_open(&a, path, err);
    bool part = rc == 0 && a.part;
    if (!part)
        ds_interrupt_release(); /* a pipe may have to wait for its reader */
    if (rc == 0)
        rc = write_aside(&a, path, data, size, err);
    if (part)
        ds_interrupt_release();
    return rc;
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
    size_t room = 0, n;
    char *text = NULL;
    bool bad;
    *size = 0;
    do {
        bad = ds_grow(&text, &room, *size + CHUNK, 1, err);
        n = bad ? 0 : fread(text + *size, 1, room - *size - 1, f);
        *size += n;
    } while (n);
    if (bad)
        ds_fail_in(err, "%s", path);
    else if (ferror(f))
        bad = ds_fail(err, "%s: %s", path, strerror(errno));
    if (bad) {
        free(text);
        text = NULL;
    } else {
        text[*size] = 0;
    }
    fclose(f);
    return text;
}
