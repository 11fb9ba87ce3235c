/* Memory for tools, which die when there is none. */
#ifndef DS_MEMORY_H
#define DS_MEMORY_H

#include <stddef.h>

/* "out of memory" */
_Noreturn void cli_no_memory(void);

/* The pointer itself; dies where it is NULL. */
void *cli_must(void *p);

/* Zeroed room for n elements of `size` bytes. */
void *cli_alloc(size_t n, size_t size);

/* Makes room for n elements in the array whose pointer is at `array`: see ds_grow. */
void cli_grow(void *array, size_t *room, size_t n, size_t size);

/*
 * Keeps freed memory for what comes next. Models of tens of megabytes, one after another, are
 * otherwise given back to the system, whose new pages then cost more than the model.
 */
void cli_keep_memory(void);

#endif
