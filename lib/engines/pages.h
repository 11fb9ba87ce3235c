/*
 * Memory in huge pages, for what an engine reads in every run: weights. Those of a network are tens
 * of megabytes; in pages of 4 kB the processor keeps missing its table of addresses, and how often
 * depends on where in memory they happen to lie, which differs from one process to the next.
 * Internal to the engines; not for several threads at once.
 */
#ifndef DS_ENGINES_PAGES_H
#define DS_ENGINES_PAGES_H

#include <stddef.h>

#define DS_PAGES_ALIGNED 64

/* `size` bytes at a multiple of that, not cleared; NULL when out of memory. */
void *ds_pages_take(size_t size);

/* Gives them back (NULL: nothing); they are taken again by the next request of that size. */
void ds_pages_give(void *data);

#endif
