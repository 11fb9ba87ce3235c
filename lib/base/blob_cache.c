#include "base/blob_cache.h"

#include "base/checksum.h"
#include "base/file.h"
#include "base/grow.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a file begins with. */
struct head {
    char magic[8];
    uint64_t size, checksum;
};

static const char magic[8] = "dsblob1";

/* The cache directory; -1 where the environment names none, or its name is too long. */
static int directory(char *out, size_t size)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (xdg && xdg[0] == '/') /* the XDG Base Directory specification ignores a relative one */
        n = snprintf(out, size, "%s/dstools", xdg);
    else if (home && home[0] == '/')
        n = snprintf(out, size, "%s/.cache/dstools", home);
    return n >= 0 && (size_t)n < size ? 0 : -1;
}

static int file_path(const char *name, char *out, size_t size)
{
    char dir[PATH_MAX];
    if (directory(dir, sizeof dir))
        return -1;
    int n = snprintf(out, size, "%s/%s", dir, name);
    return n >= 0 && (size_t)n < size ? 0 : -1;
}

/* Makes the directory of `path`, and those above it. */
static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
}

static uint64_t checksum_of(const void *data, size_t size)
{
    return ds_block_checksum(magic, sizeof magic, data, size);
}

static bool is_whole(const char *file, size_t size)
{
    struct head head;
    if (size <= sizeof head)
        return false;
    memcpy(&head, file, sizeof head);
    return memcmp(head.magic, magic, sizeof magic) == 0 && head.size == size - sizeof head &&
           checksum_of(file + sizeof head, size - sizeof head) == head.checksum;
}

void *ds_blob_get(const char *name, size_t *size)
{
    char path[PATH_MAX];
    struct ds_error none;
    char *file = file_path(name, path, sizeof path) == 0 ? ds_file_read(path, size, &none) : NULL;
    if (!file || !is_whole(file, *size)) {
        free(file);
        return NULL;
    }
    *size -= sizeof(struct head);
    return memmove(file, file + sizeof(struct head), *size);
}

void ds_blob_put(const char *name, const void *data, size_t size)
{
    char path[PATH_MAX];
    struct ds_error none;
    struct head head = {.size = size, .checksum = checksum_of(data, size)};
    char *file = ds_alloc(1, sizeof head + size, NULL);
    if (!file || file_path(name, path, sizeof path)) {
        free(file);
        return;
    }
    memcpy(head.magic, magic, sizeof magic);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, data, size);
    make_directories(path);
    ds_file_write(path, file, sizeof head + size, &none);
    free(file);
}
