/* A folder with a folder for each class. */
#include "images/source.h"

#include "base/grow.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MOST_DEPTH 16 /* folders in folders: symbolic links can go round */

enum suffix { OTHER, READ, UNREAD };

/* Whether a file so named is an image, and of a kind that is read here. */
static enum suffix suffix_of(const char *name)
{
    static const char *const read[] = {"jpg", "jpeg", "png"};
    static const char *const unread[] = {"bmp", "gif",  "jp2",  "pgm",  "ppm",
                                         "tif", "tiff", "webp", "avif", "heic"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof read / sizeof *read; i++)
        if (strcasecmp(dot + 1, read[i]) == 0)
            return READ;
    for (size_t i = 0; dot && i < sizeof unread / sizeof *unread; i++)
        if (strcasecmp(dot + 1, unread[i]) == 0)
            return UNREAD;
    return OTHER;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int join(char *out, const char *folder, const char *name, struct ds_error *err)
{
    if (snprintf(out, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name) >= PATH_MAX)
        return ds_fail(err, "%s/%s: the name is too long", folder, name);
    return 0;
}

/* The names in a folder, in order; -1 and the reason in `err`. */
static int list(const char *path, struct dirent ***names, struct ds_error *err)
{
    int n = scandir(path, names, visible, by_bytes);
    return n < 0 ? ds_fail(err, "%s: %s", path, strerror(errno)) : n;
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static int add_folder(struct image_source *s, const char *below, unsigned label, int depth,
                      struct ds_error *err);

static int add_name(struct image_source *s, const char *below, const char *name, unsigned label,
                    int depth, struct ds_error *err)
{
    char path[PATH_MAX], full[PATH_MAX];
    struct stat st;
    if (join(path, below, name, err) || join(full, s->folder, path, err))
        return -1;
    if (stat(full, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(s, path, label, depth + 1, err);
    if (suffix_of(name) == OTHER)
        return 0;
    if (suffix_of(name) == UNREAD)
        return ds_fail(err, "%s: only JPEG and PNG are read; convert it", full);
    char *copy = ds_copy_string(path, NULL);
    return copy ? ds_images_add(s, copy, 0, label, err) : ds_no_memory(err);
}

/* The images of a class's folder, `below` the source's, and of the folders in it. */
static int add_folder(struct image_source *s, const char *below, unsigned label, int depth,
                      struct ds_error *err)
{
    char path[PATH_MAX];
    struct dirent **names;
    if (join(path, s->folder, below, err))
        return -1;
    if (depth > MOST_DEPTH)
        return ds_fail(err, "%s: more than %d folders in one another", path, MOST_DEPTH);
    int n = list(path, &names, err), rc = n < 0 ? -1 : 0;
    if (n < 0)
        return -1;
    for (int i = 0; i < n && rc == 0; i++)
        rc = add_name(s, below, names[i]->d_name, label, depth, err);
    free_names(names, n);
    return rc;
}

static int is_folder(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    struct ds_error err;
    return join(path, folder, name, &err) == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_class(struct image_source *s, const char *name, struct ds_error *err)
{
    size_t before = s->n;
    if (s->classes == IMAGES_MOST_CLASSES)
        return ds_fail(err, "%s: more than %d classes", s->folder, IMAGES_MOST_CLASSES);
    if (add_folder(s, name, (unsigned)s->classes++, 1, err))
        return -1;
    /* left out, it would shift the labels of all classes after it */
    return s->n == before ? ds_fail(err, "%s/%s: a class without images", s->folder, name) : 0;
}

int ds_images_from_folder(struct image_source *s, const char *path, struct ds_error *err)
{
    struct dirent **names;
    s->folder = ds_copy_string(path, NULL);
    if (!s->folder)
        return ds_no_memory(err);
    int n = list(path, &names, err), rc = n < 0 ? -1 : 0;
    for (int i = 0; i < n && rc == 0; i++)
        if (is_folder(path, names[i]->d_name))
            rc = add_class(s, names[i]->d_name, err);
    if (n >= 0)
        free_names(names, n);
    if (rc == 0 && s->classes == 0)
        return ds_fail(err,
                       "%s: no folders in it, one for each class; IDX and CIFAR files are named "
                       "themselves",
                       path);
    return rc;
}
