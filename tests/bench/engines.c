/*
 * The engines' side of latency.py: loads the architectures of a stream into every engine of this
 * processor and does what standard input says, a line at a time:
 *   engines             NAME VERSION of each engine, a line each, then an empty line
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
#define MOST_ENGINES 8

struct contestant {
    const struct ds_engine *engine;
    struct ds_session *session;
    struct ds_model *model[MOST_NETS];
};

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

/* Opens every engine of this processor and loads the networks; gives how many there are. */
static int open_engines(const struct ds_net *net, int nnets, struct contestant *contestant)
{
    struct ds_engine_options options = {.threads = 1, .batch = 1, .seed = 1};
    int n;
    for (n = 0; ds_cpu_engines[n] && n < MOST_ENGINES; n++) {
        struct contestant *c = &contestant[n];
        c->engine = ds_cpu_engines[n];
        must((c->session = c->engine->open(&options, &err)) != NULL);
        for (int k = 0; k < nnets; k++)
            must((c->model[k] = c->engine->load(c->session, &net[k], &err)) != NULL);
    }
    return n;
}

static void print_engines(const struct contestant *c, int n)
{
    for (int i = 0; i < n; i++)
        printf("%s %s\n", c[i].engine->name, c[i].engine->version(c[i].session));
    printf("\n");
}

static const struct contestant *find(const struct contestant *c, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(c[i].engine->name, name) == 0)
            return &c[i];
    ds_fail(&err, "there is no engine %s", name);
    must(false);
    return NULL;
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
    struct contestant contestant[MOST_ENGINES];
    struct ds_net net[MOST_NETS] = {0};
    char line[128], name[32];
    int n, nnets, i, runs;

    ds_fail(&err, "usage: engines FILE");
    must(argc == 2);
    nnets = read_nets(argv[1], net);
    n = open_engines(net, nnets, contestant);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "engines\n") == 0)
            print_engines(contestant, n);
        else if (sscanf(line, "layers %d", &i) == 1 && i >= 0 && i < nnets)
            print_layers(&net[i]);
        else if (sscanf(line, "run %31s %d %d", name, &i, &runs) == 3 && i >= 0 && i < nnets)
            time_runs(find(contestant, n, name), i, runs);
        else
            must(ds_fail(&err, "what is: %s", line) == 0);
        fflush(stdout);
    }
    return 0;
}
