/*
 * Sums over the modules of architectures: every module (a step or a block) is built and counted
 * once for each choice and input shape, then looked up. For many architectures of one space.
 */
#ifndef DS_NETWORK_MODULE_SUMS_H
#define DS_NETWORK_MODULE_SUMS_H

#include "network/network.h"

struct ds_module_sums;

/*
 * Counts one module, built alone in `net`, into `count`, which is zeroed. `image`: its input has
 * the shape of an image, as that of the first module. -1 and the reason in `err`.
 */
typedef int ds_module_sums_count(void *context, const struct ds_net *net, bool image, void *count,
                                 struct ds_error *err);

/* `size`: of one count. NULL when out of memory. */
struct ds_module_sums *ds_module_sums_new(const struct ds_space *space, size_t size,
                                          ds_module_sums_count *count, void *context);
void ds_module_sums_free(struct ds_module_sums *w);

/*
 * The counts of the modules of an architecture, in order: how many; *counts is good until the next
 * call. -1 and the reason in `err`.
 */
int ds_module_sums(struct ds_module_sums *w, const uint8_t *choice, const void *const **counts,
                   struct ds_error *err);

#endif
