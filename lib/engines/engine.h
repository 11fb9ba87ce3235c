/*
 * An engine runs networks on a device. A new engine is a struct ds_engine in a folder of its own,
 * listed in cpu.c or gpu.c and in all.c; no tool changes. A model is a network loaded into an
 * engine: its weights packed (shared with other models through the session), its activations in
 * memory that all models of a session share, so that only one model of a session runs at a time.
 */
#ifndef DS_ENGINES_ENGINE_H
#define DS_ENGINES_ENGINE_H

#include "network/network.h"
#include "quantize/dtype.h"

struct ds_session; /* an engine opened on a device */
struct ds_model;   /* a network loaded into a session */

struct ds_engine_options {
    int threads;         /* 1 or more; 0: the engine does not choose it */
    int batch;           /* images at once, 1.. */
    uint64_t seed;       /* of weights and input */
    enum ds_dtype dtype; /* that it computes in; an engine that has it not does not open */
    const char *device;  /* number or part of a name, for an engine that has several; NULL: best */
};

/* A device that an engine can run on. */
struct ds_device {
    char name[128];   /* "NVIDIA GeForce RTX 2080 Ti" */
    char driver[256]; /* "NVIDIA CUDA 470.82.01" */
    char kind[32];    /* "GPU", "CPU", "accelerator" */
};

struct ds_engine {
    const char *name; /* "onednn" */

    /*
     * What it can run on, in the order of options.device: *n devices, to be freed. NULL where
     * there is no choice.
     */
    struct ds_device *(*devices)(int *n, struct ds_error *err);

    /* Opens it; NULL and the reason in `err`. */
    struct ds_session *(*open)(const struct ds_engine_options *options, struct ds_error *err);

    /* "oneDNN 2.6.3"; the session's until close. */
    const char *(*version)(const struct ds_session *session);

    /* The instruction set that it uses; NULL: not known. NULL where an engine cannot tell. */
    const char *(*isa)(const struct ds_session *session);

    /* The device of the session; NULL where there is no choice. */
    const struct ds_device *(*device)(const struct ds_session *session);

    /*
     * Loads a network, which may be freed afterwards, as may the weights and the int8 form that it
     * is given; a session of int8 needs that form (net->quant). NULL and the reason in `err`.
     */
    struct ds_model *(*load)(struct ds_session *session, const struct ds_net *net,
                             struct ds_error *err);

    /*
     * Where the images of the next run are to be written, [n][h][w][c], *count floats for the
     * whole batch. They stay until another model is loaded or run; a model that is not given any
     * runs on the session's. NULL where an engine takes none; NULL and the reason in `err`.
     */
    float *(*input)(struct ds_model *model, size_t *count, struct ds_error *err);

    /*
     * Runs it once on its input and waits for the result. Where module_ms is not NULL,
     * module_ms[nmodules of the net] gets the milliseconds of every module.
     */
    int (*run)(struct ds_model *model, double *module_ms, struct ds_error *err);

    /*
     * Milliseconds of the last run by the device's own clock, from the beginning of the first
     * layer to the end of the last. NULL where the device has no clock of its own.
     */
    double (*device_ms)(const struct ds_model *model);

    /* The result of the last run: batch * channels floats; good until the next run. */
    const float *(*output)(struct ds_model *model, size_t *count);

    void (*unload)(struct ds_model *model);
    void (*close)(struct ds_session *session);
};

/*
 * The engines that were found when dstools was built, by the class of their devices, ended by NULL;
 * the first is the default. A program is linked with those that it names.
 */
extern const struct ds_engine *const ds_cpu_engines[];
extern const struct ds_engine *const ds_gpu_engines[];
extern const struct ds_engine *const ds_all_engines[];

/* The engine so named among them, or with NULL the default one; NULL where it is not built in. */
const struct ds_engine *ds_engine_find(const struct ds_engine *const *engines, const char *name);

/*
 * For engines that compute in f32 only: -1 and the sentence where the options ask for another
 * number format.
 */
int ds_engine_only_f32(const char *engine, const struct ds_engine_options *options,
                       struct ds_error *err);

/* Their names, separated by ", ". */
const char *ds_engine_names(const struct ds_engine *const *engines);

#endif
