#include "space/shipped.h"

#include "base/grow.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes the i-th folder to look for `kind` in; false past the last. */
static bool folder(int i, const char *kind, char *out, size_t size)
{
    char self[PATH_MAX];
    const char *env = getenv("DSTOOLS_SCHEMAS");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;

    switch (i) {
    case 0:
        snprintf(out, size, "%s/%s", env ? env : "/nonexistent", kind);
        return true;
    case 1: /* run from the source tree: build/ds-NAME */
        snprintf(out, size, "%s/../schemas/%s", self, kind);
        return true;
    case 2: /* build/sanitize/ds-NAME */
        snprintf(out, size, "%s/../../schemas/%s", self, kind);
        return true;
    case 3: /* installed anywhere: PREFIX/bin/ds-NAME */
        snprintf(out, size, "%s/../share/dstools/schemas/%s", self, kind);
        return true;
    case 4:
        snprintf(out, size, "%s/schemas/%s", DS_DATADIR, kind);
        return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ds_shipped_names(const char *kind, size_t *count)
{
    char path[PATH_MAX + 64];
    char **names = NULL;
    size_t room = 0;
    *count = 0;
    for (int i = 0; folder(i, kind, path, sizeof path) && *count == 0; i++) {
        DIR *dir = opendir(path);
        for (struct dirent *e; dir && (e = readdir(dir));) {
            size_t n = strlen(e->d_name);
            if (n <= 5 || strcmp(e->d_name + n - 5, ".json") ||
                ds_grow(&names, &room, *count + 1, sizeof *names, NULL))
                continue;
            if ((names[*count] = ds_copy_text(e->d_name, n - 5, NULL)))
                ++*count;
        }
        if (dir)
            closedir(dir);
    }
    if (*count)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}

void ds_shipped_free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

char *ds_shipped_path(const char *kind, const char *name, struct ds_error *err)
{
    size_t n = strlen(name);
    if (strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".json") == 0)) {
        return ds_copy(name, n + 1, err);
    }

    char path[PATH_MAX + 64], file[PATH_MAX + 512];
    for (int i = 0; folder(i, kind, path, sizeof path); i++) {
        snprintf(file, sizeof file, "%s/%s.json", path, name);
        if (access(file, F_OK) == 0)
            return ds_copy(file, strlen(file) + 1, err);
    }

    char list[400] = "";
    size_t count, at = 0;
    char **names = ds_shipped_names(kind, &count);
    for (size_t i = 0; i < count && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    ds_shipped_free_names(names, count);
    ds_fail(err, "no '%s' among the %s (%s); a file's name ends in .json or has a '/'", name, kind,
            *list ? list : "none found: is dstools installed?");
    return NULL;
}
