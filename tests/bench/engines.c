/*
 * The engines' side of latency.py: loads the architectures of a stream into every engine built in
 * and does what standard input says, a line at a time:
 *   engines             the names of the engines
 *   layers I            the layers of network I, a line each, then an empty line
 *   run ENGINE I RUNS   after two runs for warming up, the milliseconds of RUNS runs
 * Usage: engines FILE
 */
#include "base/clock.h"
#include "engines/engine.h"
#include "network/build.h"
#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NETS 16

struct contestant {
    const struct ds_engine *engine;
    struct ds_session *session;
    struct ds_model *model[MOST_NETS];
};

static const char *const names[] = {"onednn", "xnnpack"};
static struct ds_error err;

static void must(int ok)
{
    if (ok)
        return;
    fprintf(stderr, "engines: %s\n", err.text);
    exit(1);
}

static int read_nets(char *file, struct ds_net *net)
{
    struct ds_reader *r = ds_reader_open(&file, 1, &err);
    struct ds_record *rec;
    int n = 0, rc;
    must(r != NULL);
    while (n < MOST_NETS && (rc = ds_reader_next(r, &rec, &err)) != 0) {
        must(rc > 0);
        must(ds_net_build(rec->space, rec->choice, &net[n++], &err) == 0);
    }
    ds_reader_close(r);
    return n;
}

/* op act in in2 out kernel stride pad groups, channels and height in and out */
static void print_layers(const struct ds_net *net)
{
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        const struct ds_tensor *in = &net->tensor[l->in], *out = &net->tensor[l->out];
        printf("%d %d %d %d %d %d %d %d %d %d %d %d %d\n", (int)l->op, (int)l->act, l->in, l->in2,
               l->out, l->kernel, l->stride, l->pad, l->groups, in->c, in->h, out->c, out->h);
    }
    printf("\n");
}

static void time_runs(const struct contestant *c, int net, int runs)
{
    for (int i = -2; i < runs; i++) {
        double before = ds_now_ms();
        must(c->engine->run(c->model[net], NULL, &err) == 0);
        if (i >= 0)
            printf("%.6f ", ds_now_ms() - before);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct ds_engine_options options = {.threads = 1, .batch = 1, .seed = 1};
    struct contestant contestant[2];
    struct ds_net net[MOST_NETS] = {0};
    char line[128], name[32];
    int n = 0, nnets, i, runs;

    ds_fail(&err, "usage: engines FILE");
    must(argc == 2);
    nnets = read_nets(argv[1], net);
    for (int e = 0; e < 2; e++) {
        struct contestant *c = &contestant[n];
        if (!(c->engine = ds_engine_find(ds_all_engines, names[e])))
            continue;
        must((c->session = c->engine->open(&options, &err)) != NULL);
        for (int k = 0; k < nnets; k++)
            must((c->model[k] = c->engine->load(c->session, &net[k], &err)) != NULL);
        n++;
    }
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "engines\n") == 0)
            printf("%s\n", ds_engine_names(ds_all_engines));
        else if (sscanf(line, "layers %d", &i) == 1 && i >= 0 && i < nnets)
            print_layers(&net[i]);
        else if (sscanf(line, "run %31s %d %d", name, &i, &runs) == 3 && i >= 0 && i < nnets)
            for (int e = 0; e < n; e++) {
                if (strcmp(contestant[e].engine->name, name) == 0)
                    time_runs(&contestant[e], i, runs);
            }
        else
            must(ds_fail(&err, "what is: %s", line) == 0);
        fflush(stdout);
    }
    return 0;
}
