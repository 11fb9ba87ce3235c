#include "blob_cache.h"

#include "checksum.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_PATH 4096
#define LARGEST_BLOB ((size_t)1 << 30)

/* What a file begins with. */
struct head {
    char magic[8];
    uint64_t size, checksum;
};

static const char magic[8] = "dsblob1";

/* The cache directory; -1 where there is no telling, or it is too long. */
static int directory(char *out, size_t size)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (xdg && xdg[0] == '/') /* a relative one is to be ignored: XDG Base Directory */
        n = snprintf(out, size, "%s/dstools", xdg);
    else if (home && home[0] == '/')
        n = snprintf(out, size, "%s/.cache/dstools", home);
    return n >= 0 && (size_t)n < size ? 0 : -1;
}

static int file_path(const char *name, char *out, size_t size)
{
    char dir[LONGEST_PATH];
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

void *ds_blob_get(const char *name, size_t *size)
{
    char path[LONGEST_PATH];
    struct head head;
    void *data = NULL;
    FILE *f = file_path(name, path, sizeof path) == 0 ? fopen(path, "rb") : NULL;
    if (!f)
        return NULL;
    bool good = fread(&head, sizeof head, 1, f) == 1 &&
                memcmp(head.magic, magic, sizeof magic) == 0 && head.size > 0 &&
                head.size <= LARGEST_BLOB && (data = malloc((size_t)head.size)) &&
                fread(data, (size_t)head.size, 1, f) == 1 &&
                checksum_of(data, (size_t)head.size) == head.checksum;
    fclose(f);
    if (good) {
        *size = (size_t)head.size;
        return data;
    }
    free(data);
    return NULL;
}

void ds_blob_put(const char *name, const void *data, size_t size)
{
    char path[LONGEST_PATH], part[LONGEST_PATH + 32];
    struct head head = {.size = size, .checksum = checksum_of(data, size)};
    memcpy(head.magic, magic, sizeof magic);
    if (file_path(name, path, sizeof path))
        return;
    make_directories(path);
    snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid());
    FILE *f = fopen(part, "wb");
    if (!f)
        return;
    bool good = fwrite(&head, sizeof head, 1, f) == 1 && fwrite(data, size, 1, f) == 1;
    good = fclose(f) == 0 && good;
    if (!good || rename(part, path))
        unlink(part);
}
