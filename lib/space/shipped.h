/* Finding what dstools ships: design spaces and device profiles. */
#ifndef DS_SPACE_SHIPPED_H
#define DS_SPACE_SHIPPED_H

#include "base/error.h"
#include <stddef.h>

/*
 * Finds the file of a schema. `name` with a '/' or ending in ".json" is a file already; otherwise
 * NAME.json is looked for in KIND ("spaces", "devices") below $DSTOOLS_SCHEMAS, then ../schemas
 * and ../share/dstools/schemas beside the folder of the program, then the installed place. Returns
 * the path, to be freed, or NULL and the names there are in `err`.
 */
char *ds_shipped_path(const char *kind, const char *name, struct ds_error *err);

/*
 * The names of a kind, sorted, as a list to be freed with ds_shipped_free_names; NULL when none.
 */
char **ds_shipped_names(const char *kind, size_t *count);
void ds_shipped_free_names(char **names, size_t count);

#endif
