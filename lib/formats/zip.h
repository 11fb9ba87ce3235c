/* Zip archives whose members are stored, not compressed, as PyTorch writes them. */
#ifndef DS_FORMATS_ZIP_H
#define DS_FORMATS_ZIP_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds_zip_member {
    const char *name; /* not ended by a zero */
    size_t name_length;
    const uint8_t *data;
    size_t size;
    uint32_t crc; /* of the data, as the archive says */
};

struct ds_zip {
    size_t n;
    struct ds_zip_member *member; /* by name */
};

/* Whether the bytes begin as a zip does. */
bool ds_zip_is(const void *data, size_t size);

/*
 * Lists the members of the archive in memory, which must outlive it. -1 where it is cut off, where
 * members are compressed or lie outside of it, or where two have one name.
 */
int ds_zip_open(struct ds_zip *zip, const void *data, size_t size, struct ds_error *err);
void ds_zip_close(struct ds_zip *zip);

/* The member so named, or NULL. */
const struct ds_zip_member *ds_zip_find(const struct ds_zip *zip, const char *name);

/* Whether a member's data has the checksum that the archive says. */
bool ds_zip_intact(const struct ds_zip_member *member);

#endif
