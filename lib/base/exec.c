#include "base/exec.h"

#include "base/child.h"
#include "base/grow.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ds_exec_check(const char *program, struct ds_error *err)
{
    char path[4096];
    struct stat st;
    const char *at = strchr(program, '/') ? NULL : getenv("PATH");
    if (!at) {
        if (stat(program, &st))
            return ds_fail(err, "%s: %s", program, strerror(errno));
        if (!S_ISREG(st.st_mode) || access(program, X_OK))
            return ds_fail(err, "%s: is no program that may be run", program);
        return 0;
    }
    for (const char *end; *program && *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ':');
        int n = snprintf(path, sizeof path, "%.*s/%s", (int)(end - at), at, program);
        if (n < (int)sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            access(path, X_OK) == 0)
            return 0;
    }
    return ds_fail(err, "%s: no such program in PATH; write ./%s for one that is here", program,
                   program);
}

char *ds_exec(const struct ds_exec_job *job, size_t *size, struct ds_error *err)
{
    struct child c;
    if (ds_child_start(job, false, &c, err))
        return NULL;
    enum child_verdict v = ds_child_follow(&c, NULL, 0, job->timeout);
    int status = ds_child_end(&c, v);
    char *text = NULL;
    if (ds_child_judge(&c, v, status, job, err) == 0) {
        text = realloc(c.text, c.size + 1);
        if (!text)
            ds_no_memory(err);
    }
    if (!text) {
        free(c.text);
        return NULL;
    }
    text[c.size] = 0;
    *size = c.size;
    return text;
}
