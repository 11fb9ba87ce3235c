#include "base/exec.h"

#include "base/child.h"
#include "base/grow.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of a program that is looked up in PATH; -1: there is none. */
static int look_up(const char *program, char path[PATH_MAX])
{
    struct stat st;
    const char *at = getenv("PATH");
    for (const char *end; at && *program && *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ':');
        int n = snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - at), at, program);
        if (n < PATH_MAX && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
            return 0;
    }
    return -1;
}

int ds_exec_find(const char *program, char path[PATH_MAX])
{
    if (!strchr(program, '/') && getenv("PATH"))
        return look_up(program, path);
    return snprintf(path, PATH_MAX, "%s", program) < PATH_MAX ? 0 : -1;
}

int ds_exec_check(const char *program, struct ds_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (ds_exec_find(program, path))
        return ds_fail(err, "%s: no such program in PATH; write ./%s for one that is here", program,
                       program);
    if (stat(path, &st))
        return ds_fail(err, "%s: %s", program, strerror(errno));
    if (!S_ISREG(st.st_mode) || access(path, X_OK))
        return ds_fail(err, "%s: is no program that may be run", program);
    return 0;
}

char *ds_exec(const struct ds_exec_job *job, size_t *size, struct ds_error *err)
{
    struct child c;
    if (ds_child_start(job, false, &c, err))
        return NULL;
    enum child_verdict v = ds_child_follow(&c, NULL, 0, job->timeout);
    int status = ds_child_end(&c, v);
    if (ds_child_judge(&c, v, status, job, err) || ds_resize(&c.text, c.size + 1, 1, err)) {
        free(c.text);
        return NULL;
    }
    c.text[c.size] = 0;
    *size = c.size;
    return c.text;
}
