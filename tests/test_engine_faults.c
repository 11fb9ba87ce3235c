/*
 * Engines whose library fails: every call that makes something fails once, and what was made until
 * then must be given back. The calls are those of this file, which come before the library's.
 */
#include "engines/engine.h"
#include "network/build.h"
#include "space/arch.h"
#include "tap.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>

/* A network with every kind of step that the engines make something for. */
static const char space_text[] =
    "{\"dstools_space\":1,\"name\":\"faults\",\"resolution\":[16],"
    "\"blocks\":[{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":5}],"
    "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"stride\":2,\"width\":8,\"act\":\"hswish\"}],"
    "\"units\":[{\"width\":8,\"depth\":[2],\"stride\":1,\"act\":\"hswish\",\"se\":true}],"
    "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":10}]}";

static int calls_left = -1; /* until one fails; -1: none does */
static int alive;           /* things made and not given back */

__attribute__((unused)) static bool fails(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

#ifdef DS_ENGINE_onednn
#include "engines/onednn/version.h"

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define MAKES(name, parameters, arguments)                                                         \
    dnnl_status_t name parameters                                                                  \
    {                                                                                              \
        dnnl_status_t status = fails() ? dnnl_out_of_memory : REAL(name) arguments;                \
        alive += status == dnnl_success;                                                           \
        return status;                                                                             \
    }
#define GIVES_BACK(name, type)                                                                     \
    dnnl_status_t name(type thing)                                                                 \
    {                                                                                              \
        alive--;                                                                                   \
        return REAL(name)(thing);                                                                  \
    }

MAKES(dnnl_primitive_create, (dnnl_primitive_t * to, const_dnnl_primitive_desc_t desc), (to, desc))
MAKES(dnnl_memory_create, (dnnl_memory_t * to, const_desc_t desc, dnnl_engine_t engine, void *data),
      (to, desc, engine, data))
MAKES(dnnl_post_ops_create, (dnnl_post_ops_t * to), (to))
MAKES(dnnl_primitive_attr_create, (dnnl_primitive_attr_t * to), (to))
MAKES(dnnl_stream_create, (dnnl_stream_t * to, dnnl_engine_t engine, unsigned flags),
      (to, engine, flags))
GIVES_BACK(dnnl_primitive_destroy, dnnl_primitive_t)
GIVES_BACK(dnnl_memory_destroy, dnnl_memory_t)
GIVES_BACK(dnnl_post_ops_destroy, dnnl_post_ops_t)
GIVES_BACK(dnnl_primitive_attr_destroy, dnnl_primitive_attr_t)
GIVES_BACK(dnnl_stream_destroy, dnnl_stream_t)

dnnl_status_t dnnl_primitive_attr_set_post_ops(dnnl_primitive_attr_t attr,
                                               const_dnnl_post_ops_t ops)
{
    return fails() ? dnnl_invalid_arguments : REAL(dnnl_primitive_attr_set_post_ops)(attr, ops);
}

static bool divides; /* by zero, as some do where no sizes of caches are told */

#if DNNL_VERSION_MAJOR >= 3
dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
    const_desc_t in, const_desc_t weights, const_desc_t bias, const_desc_t out,
    const dnnl_dims_t strides, const dnnl_dims_t dilates, const dnnl_dims_t before,
    const dnnl_dims_t after, const_dnnl_primitive_attr_t attr)
{
    if (divides)
        raise(SIGFPE);
    return REAL(dnnl_convolution_forward_primitive_desc_create)(
        pd, engine, prop, alg, in, weights, bias, out, strides, dilates, before, after, attr);
}
#else
dnnl_status_t dnnl_primitive_desc_create(dnnl_primitive_desc_t *pd, const_dnnl_op_desc_t desc,
                                         const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
                                         const_dnnl_primitive_desc_t hint)
{
    if (divides)
        raise(SIGFPE);
    return REAL(dnnl_primitive_desc_create)(pd, desc, attr, engine, hint);
}
#endif

dnnl_status_t dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int n,
                                     const dnnl_exec_arg_t *args)
{
    return fails() ? dnnl_runtime_error : REAL(dnnl_primitive_execute)(primitive, stream, n, args);
}
#endif

#ifdef DS_ENGINE_xnnpack
#include <pthreadpool.h>

pthreadpool_t pthreadpool_create(size_t n)
{
    return fails() ? NULL
                   : ((__typeof__(&pthreadpool_create))dlsym(RTLD_NEXT, "pthreadpool_create"))(n);
}
#endif

/* Opens the engine, loads the network and runs it once. */
static int work(const struct ds_engine *e, const struct ds_net *net, int threads,
                struct ds_error *err)
{
    struct ds_engine_options options = {.threads = threads, .batch = 1, .seed = 1};
    struct ds_session *s = e->open(&options, err);
    struct ds_model *m = s ? e->load(s, net, err) : NULL;
    int rc = m ? e->run(m, NULL, err) : -1;
    if (m)
        e->unload(m);
    if (s)
        e->close(s);
    return rc;
}

/* Fails call after call, until all succeed. */
static void every_call(const struct ds_engine *e, const struct ds_net *net)
{
    int failures = 0, left_over = 0, silent = 0, rc;
    do {
        struct ds_error err = {""};
        alive = 0;
        calls_left = failures;
        rc = work(e, net, 1, &err);
        left_over += alive != 0;
        silent += rc && !err.text[0];
        failures += rc != 0;
    } while (rc && failures < 10000);
    calls_left = -1;
    CHECK(rc == 0 && failures > 50, "%s: each of %d calls fails", e->name, failures);
    CHECK(silent == 0, "%s: and says why", e->name);
    CHECK(left_over == 0, "%s: and nothing is left (%d times something was)", e->name, left_over);
}

#ifdef DS_ENGINE_onednn
static void planning(const struct ds_engine *e, const struct ds_net *net)
{
    struct ds_error err = {""};
    divides = true;
    int rc = work(e, net, 1, &err);
    divides = false;
    CHECK(rc && strstr(err.text, "divides by zero in planning a 3x3 convolution"), "%s: %s",
          e->name, err.text);
    CHECK(work(e, net, 1, &err) == 0, "%s: and works after it", e->name);
}
#endif

/* An engine without its threads must not run on one and pass for what was asked for. */
static void no_threads(const struct ds_engine *e, const struct ds_net *net)
{
    struct ds_error err = {""};
    calls_left = 0;
    int rc = work(e, net, 2, &err);
    calls_left = -1;
    CHECK(rc && strstr(err.text, "2 threads"), "%s: no pool of threads: %s", e->name, err.text);
    CHECK(work(e, net, 2, &err) == 0, "%s: with one it works", e->name);
}

static void skip(const char *engine)
{
    printf("ok %d # skip %s is not built in\n", ++tap_count, engine);
}

int main(void)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_parse(space_text, strlen(space_text), &err);
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES] = {0};
    CHECK(space && ds_arch_canon(space, choice, &err) == 0 &&
              ds_net_build(space, choice, &net, &err) == 0,
          "a network %s", err.text);
    const struct ds_engine *xnnpack = ds_engine_find(ds_all_engines, "xnnpack");
#ifdef DS_ENGINE_onednn
    const struct ds_engine *onednn = ds_engine_find(ds_all_engines, "onednn");
    every_call(onednn, &net);
    planning(onednn, &net);
#else
    (void)every_call;
    skip("onednn");
#endif
    if (xnnpack)
        no_threads(xnnpack, &net);
    else
        skip("xnnpack");
    ds_net_free(&net);
    ds_space_free(space);
    return TAP_END();
}
