/*
 * Times the four networks of the design's table, each engine in turn, in rounds:
 *   engines [ROUNDS [RUNS]]
 * prints a line each: engine, network, median, minimum (ms).
 */
#include "arch.h"
#include "clock.h"
#include "engine.h"
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETS 4

struct sample {
    const struct ds_engine *engine;
    struct ds_session *session;
    struct ds_model *model[NETS];
    double *ms[NETS];
    size_t n;
};

static void must(int ok, struct ds_error *err)
{
    if (ok)
        return;
    fprintf(stderr, "engines: %s\n", err->text);
    exit(1);
}

/* The smallest network at 160; a mixed one, all e6 k5 and all e6 k7 at full depth, at 224. */
static void choose(const struct ds_space *s, int net, uint8_t *choice)
{
    static const char *const blocks[] = {"mbconv3_e3_k3", NULL, "mbconv3_e6_k5", "mbconv3_e6_k7"};
    struct ds_error err;
    for (int i = 0; i < s->nsites; i++) {
        const struct ds_site *site = &s->site[i];
        if (site->kind == DS_SITE_BLOCK)
            choice[i] = blocks[net] ? (uint8_t)ds_space_block(s, blocks[net], strlen(blocks[net]))
                                    : (uint8_t)((site->unit * 4 + site->layer) % site->nchoices);
        else if (net == 1)
            choice[i] =
                (uint8_t)(site->kind == DS_SITE_DEPTH ? site->nchoices / 2 : site->nchoices - 1);
        else
            choice[i] = net ? (uint8_t)(site->nchoices - 1) : 0;
    }
    must(ds_arch_canon(s, choice, &err) == 0, &err);
}

int main(int argc, char **argv)
{
    static const char *const names[NETS] = {"smallest_r160", "mixed_r224", "e6k5_r224",
                                            "e6k7_r224"};
    int rounds = argc > 1 ? atoi(argv[1]) : 5, runs = argc > 2 ? atoi(argv[2]) : 10;
    struct ds_error err;
    struct ds_space *space = ds_space_load("ofa-mbv3", &err);
    must(space != NULL, &err);
    struct ds_engine_options options = {.threads = 1, .batch = 1, .seed = 1};
    static const char *const engines[] = {"onednn", "xnnpack"};
    struct sample sample[2];
    int n = 0;

    for (int e = 0; e < 2; e++) {
        struct sample *s = &sample[n];
        *s = (struct sample){.engine = ds_engine_find(engines[e])};
        if (!s->engine)
            continue;
        must((s->session = s->engine->open(&options, &err)) != NULL, &err);
        for (int i = 0; i < NETS; i++) {
            uint8_t choice[DS_MAX_SITES];
            struct ds_net net = {0};
            choose(space, i, choice);
            must(ds_net_build(space, choice, &net, &err) == 0, &err);
            double before = ds_now_ms();
            must((s->model[i] = s->engine->load(s->session, &net, &err)) != NULL, &err);
            fprintf(stderr, "%s %s: loaded in %.1f ms\n", s->engine->name, names[i],
                    ds_now_ms() - before);
            s->ms[i] = calloc((size_t)(rounds * runs), sizeof(double));
            ds_net_free(&net);
        }
        n++;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < NETS; i++)
            for (int e = 0; e < n; e++) {
                struct sample *s = &sample[e];
                for (int k = -2; k < runs; k++) {
                    double before = ds_now_ms();
                    must(s->engine->run(s->model[i], NULL, &err) == 0, &err);
                    if (k >= 0)
                        s->ms[i][round * runs + k] = ds_now_ms() - before;
                }
            }
    for (int e = 0; e < n; e++)
        for (int i = 0; i < NETS; i++) {
            struct sample *s = &sample[e];
            size_t count = (size_t)(rounds * runs), nout;
            ds_sort(s->ms[i], count);
            must(s->engine->run(s->model[i], NULL, &err) == 0, &err);
            const float *out = s->engine->output(s->model[i], &nout);
            double sum = 0;
            for (size_t k = 0; k < nout; k++)
                sum += fabs(out[k]) / (double)nout;
            printf("%s\t%s\t%.3f\t%.3f\t%g\n", s->engine->name, names[i],
                   ds_quantile(s->ms[i], count, 0.5), s->ms[i][0], sum);
        }
    return 0;
}
