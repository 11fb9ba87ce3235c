/*
 * The engines that are built in, for the tables of them: each name is an entry with its comma, or
 * nothing. Internal to the room.
 */
#ifndef DS_ENGINES_BUILT_H
#define DS_ENGINES_BUILT_H

#include "engines/engine.h"

#include <stddef.h>

#ifdef DS_ENGINE_onednn
extern const struct ds_engine ds_engine_onednn;
#define ONEDNN &ds_engine_onednn,
#else
#define ONEDNN
#endif

#ifdef DS_ENGINE_xnnpack
extern const struct ds_engine ds_engine_xnnpack;
#define XNNPACK &ds_engine_xnnpack,
#else
#define XNNPACK
#endif

#ifdef DS_ENGINE_opencl
extern const struct ds_engine ds_engine_opencl;
#define OPENCL &ds_engine_opencl,
#else
#define OPENCL
#endif

#endif
