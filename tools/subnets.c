#include "subnets.h"

#include "network/build.h"
#include "space/arch.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

enum ds_dtype dtype_parse(const char *dtype)
{
    int found = dtype ? ds_dtype_find(dtype) : DS_DTYPE_F32;
    if (found < 0)
        cli_die(CLI_USAGE, "--dtype: '%s' is none of f32, bf16, int8", dtype);
    return (enum ds_dtype)found;
}

const char *subnet_stray(const struct subnet_options *o)
{
    const struct subnet_options none = SUBNET_DEFAULTS;
    return o->calibrate               ? "--calibrate"
           : o->images != none.images ? "--calibrate-images"
           : o->batch != none.batch   ? "--calibrate-batch"
           : o->bn_eps > 0            ? "--bn-eps"
           : o->mean                  ? "--mean"
           : o->deviation             ? "--std"
           : o->crop > 0              ? "--crop"
           : o->memory > 0            ? "--memory"
           : o->skip_broken           ? "--skip-broken"
                                      : NULL;
}

/* The images to calibrate with: all where there are no more than asked for. */
static struct picture_source *open_calibration(const struct subnet_options *o, uint64_t seed)
{
    struct picture_source *p = pictures_open(o, "--calibrate", o->calibrate, 0, seed);
    if (pictures_count(p) <= o->images)
        return p;
    pictures_free(p);
    return pictures_open(o, "--calibrate", o->calibrate, o->images, seed);
}

static void open_engine(struct subnets *s, const char *engine, int threads, uint64_t seed)
{
    struct ds_error err;
    s->engine = ds_engine_find(ds_cpu_engines, engine);
    if (!s->engine)
        cli_die(CLI_USAGE, "--engine: %s is not built in; this dstools has: %s",
                engine ? engine : "an engine", ds_engine_names(ds_cpu_engines));
    struct ds_engine_options options = {.threads = threads, .batch = 1, .seed = seed};
    if (!(s->session = s->engine->open(&options, &err)))
        cli_die(CLI_FAILED, "%s", err.text);
}

void subnets_open(struct subnets *s, const struct subnet_options *o, const char *engine,
                  int threads, uint64_t seed)
{
    struct ds_error err;
    *s = (struct subnets){.o = o};
    if (!o->calibrate)
        cli_die(CLI_USAGE, "--supernet: wants --calibrate DIR, images to measure batch norms on, "
                           "or --calibrate none, the file's own");
    if (!(s->supernet = ds_supernet_load(o->supernet, o->bn_eps, &err)))
        cli_die(CLI_FAILED, "--supernet: %s", err.text);
    open_engine(s, engine, threads, seed);
    snprintf(s->calibrated, sizeof s->calibrated, "none");
    if (strcmp(o->calibrate, "none") == 0)
        return;
    s->calibration = open_calibration(o, seed);
    size_t n = pictures_count(s->calibration);
    uint64_t batch = o->batch < n ? o->batch : n;
    snprintf(s->calibrated, sizeof s->calibrated, "%zu images in batches of %llu", n,
             (unsigned long long)batch);
}

void subnets_close(struct subnets *s)
{
    ds_subnet_free(&s->subnet);
    ds_net_free(&s->net);
    pictures_free(s->calibration);
    if (s->session)
        s->engine->close(s->session);
    ds_supernet_free(s->supernet);
}

void subnets_bind(struct subnets *s, const struct ds_space *space, const char *where)
{
    struct ds_error err;
    if (s->space == space)
        return;
    if (ds_supernet_bind(s->supernet, space, &err))
        cli_die(CLI_FAILED, "%s: --supernet %s: %s", where, s->o->supernet, err.text);
    if (ds_supernet_note(s->supernet))
        cli_warn("--supernet %s: %s", s->o->supernet, ds_supernet_note(s->supernet));
    s->space = space;
}

struct ds_image_source subnets_calibration(struct subnets *s, const uint8_t *choice)
{
    if (!s->calibration)
        return (struct ds_image_source){0};
    return pictures_at(s->calibration, ds_arch_resolution(s->space, choice),
                       s->space->input_channels, true, NULL);
}

int subnets_take(struct subnets *s, const uint8_t *choice, struct ds_error *err)
{
    if (ds_net_build(s->space, choice, &s->net, err) ||
        ds_supernet_take(s->supernet, choice, &s->net, &s->subnet, err))
        return -1;
    if (s->calibration) {
        struct ds_image_source images = subnets_calibration(s, choice);
        int batch = s->o->batch < images.n ? (int)s->o->batch : (int)images.n;
        if (ds_subnet_calibrate(&s->subnet, &s->net, s->engine, s->session, &images, batch, err))
            return -1;
    }
    return ds_subnet_give(&s->subnet, &s->net, err);
}

uint64_t subnets_key(const struct subnets *s)
{
    uint64_t key = ds_supernet_key(s->supernet);
    key = XXH3_64bits_withSeed(s->calibrated, strlen(s->calibrated), key);
    if (!s->calibration)
        return key;
    uint64_t images = pictures_key(s->calibration);
    return XXH3_64bits_withSeed(&images, sizeof images, key);
}
