#include "answers.h"

#include "base/file.h"
#include "memory.h"
#include "message.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void answers_open(struct answers *a, const struct ds_question *question, const char *cache)
{
    *a = (struct answers){.question = question, .cache = cache};
    if (cache && mkdir(cache, 0777) && errno != EEXIST)
        cli_die(CLI_FAILED, "--cache: %s: cannot make it: %s", cache, strerror(errno));
}

void answers_free(struct answers *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->known[i].text);
    free(a->known);
    ds_id_map_free(&a->keys);
}

static void cache_path(const struct answers *a, XXH128_hash_t key, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%016" PRIx64 "%016" PRIx64, a->cache, key.high64, key.low64) >=
        PATH_MAX)
        cli_die(CLI_FAILED, "--cache %s: the name is too long", a->cache);
}

static const struct answer *remember(struct answers *a, XXH128_hash_t key, char *text, bool failed)
{
    cli_grow(&a->known, &a->room, a->n + 1, sizeof *a->known);
    if (ds_id_map_add(&a->keys, key.low64, (uint32_t)a->n) < 0)
        cli_must(NULL);
    a->known[a->n] = (struct answer){text, failed};
    return &a->known[a->n++];
}

const struct answer *answers_find(struct answers *a, XXH128_hash_t key)
{
    char path[PATH_MAX];
    struct ds_answer answer;
    struct ds_error err;
    int64_t known = ds_id_map_find(&a->keys, key.low64);
    if (known >= 0)
        return &a->known[known];
    if (!a->cache)
        return NULL;
    cache_path(a, key, path);
    size_t size = 0;
    char *text = ds_file_read(path, &size, &err);
    if (!text || size == 0) {
        free(text);
        return NULL;
    }
    if (ds_answer_parse(a->question, text, strlen(text), &answer, &err)) {
        cli_warn("%s: not an answer, so it is measured again: %s", path, err.text);
        free(text);
        return NULL;
    }
    ds_answer_free(&answer);
    return remember(a, key, text, false);
}

const struct answer *answers_add(struct answers *a, XXH128_hash_t key, char *text, bool failed)
{
    char path[PATH_MAX];
    struct ds_error err;
    if (a->cache && !failed) {
        cache_path(a, key, path);
        if (ds_file_write(path, text, strlen(text), &err))
            cli_die(CLI_FAILED, "--cache: %s", err.text);
    }
    return remember(a, key, text, failed);
}
