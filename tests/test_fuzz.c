/* Replays what fuzzing found worth keeping: tests/fuzz/corpus/TARGET/FILE must not crash. */
#include "base/file.h"
#include "fuzz/targets.h"
#include "tap.h"

#include <dirent.h>

int main(void)
{
    for (int i = 0; i < NTARGETS; i++) {
        char dir[128], path[512];
        struct ds_error err;
        int n = 0;
        snprintf(dir, sizeof dir, "tests/fuzz/corpus/%s", targets[i].name);
        DIR *d = opendir(dir);
        for (struct dirent *e; d && (e = readdir(d));) {
            size_t size;
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            char *data = e->d_name[0] == '.' ? NULL : ds_file_read(path, &size, &err);
            if (!data)
                continue;
            void *exact = malloc(size + !size); /* so that reading past its end is seen */
            if (!exact)
                abort();
            memcpy(exact, data, size);
            targets[i].run(exact, size);
            free(exact);
            free(data);
            n++;
        }
        if (d)
            closedir(d);
        CHECK(n > 0, "%s: %d inputs", targets[i].name, n);
    }
    return TAP_END();
}
