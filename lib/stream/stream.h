/*
 * The stream between the tools, as ../schemas/stream.md describes it: blocks of records, each with
 * a sync marker, a head that carries space, provenance, counts and checksum, and maybe compressed.
 */
#ifndef DS_STREAM_STREAM_H
#define DS_STREAM_STREAM_H

#include "stream/record.h"

#define DS_STREAM_VERSION 2
#define DS_SYNC_SIZE 18
extern const unsigned char ds_sync[DS_SYNC_SIZE]; /* D8 44, then sixteen C1 */

/* ---- reading ---- */

struct ds_reader;

/*
 * Reads the named files one after another, "-" being standard input, as does an empty list.
 * The names must outlive the reader. NULL when out of memory.
 */
struct ds_reader *ds_reader_open(char *const *names, int nnames, struct ds_error *err);

/*
 * The input is a piece that was cut out of a stream where a block begins, as GNU Parallel does: no
 * end mark is missed, and one that is there may count what is in other pieces.
 */
void ds_reader_accept_piece(struct ds_reader *r);

/*
 * Gives the next record: 1, 0 at the end, -1 on damaged or unreadable input, with file, record
 * number and byte in `err`. The record is the reader's and good until the next call; its space is
 * good as long as the reader.
 */
int ds_reader_next(struct ds_reader *r, struct ds_record **rec, struct ds_error *err);

/* Counts the blocks begun so far: it changes when ds_reader_next moved to another block. */
uint64_t ds_reader_block(const struct ds_reader *r);

/* The space of the block being read; after the end, of the last block. */
const struct ds_space *ds_reader_space(const struct ds_reader *r);

/* The provenance of the block being read, packed as a msgpack array. */
const void *ds_reader_provenance(const struct ds_reader *r, size_t *size);

/* What all blocks read so far say together: see inputs.h. -1 when out of memory. */
int ds_reader_inputs(const struct ds_reader *r, msgpack_sbuffer *out, struct ds_error *err);

/*
 * How many records the whole stream holds, as far as the blocks read say (a "total" left in the
 * provenance by the tool that made it); 0 where unknown.
 */
uint64_t ds_reader_total(const struct ds_reader *r);

/* The same of the present block's provenance alone, which a filter multiplies and hands on. */
uint64_t ds_reader_provenance_total(const struct ds_reader *r);

/* Where the record last given stands, "FILE: record N, byte B", for messages. */
const char *ds_reader_where(const struct ds_reader *r);

void ds_reader_close(struct ds_reader *r);

/* ---- writing ---- */

struct ds_writer;

/* Something that is known of how a stream was made: "kernel", "Linux 6.1". */
struct ds_fact {
    const char *key, *text;
};

/* What a tool adds to the provenance of what it writes. */
struct ds_made {
    const char *tool;  /* "ds-sample" */
    char *const *args; /* its arguments, without those that do not change the result */
    int nargs;
    uint64_t total;                /* records it will write in all; 0: unknown */
    const struct ds_fact *machine; /* [nfacts] that measured; NULL: none did */
    int nfacts;
};

/* Writes to a file descriptor, which stays the caller's. `compress` as by option -z. */
struct ds_writer *ds_writer_open(int fd, bool compress, struct ds_error *err);

/*
 * Ends the block in hand and begins another: of this space, with the provenance `before` (packed
 * array; NULL for none) and `made` added to it (NULL: nothing added).
 */
int ds_writer_begin(struct ds_writer *w, const struct ds_space *space, const void *before,
                    size_t before_size, const struct ds_made *made, struct ds_error *err);

/* Appends a record; a full block is written out and the next one begun alike. */
int ds_writer_put(struct ds_writer *w, const struct ds_record *rec, struct ds_error *err);

/* Writes out what is in hand, as a block. */
int ds_writer_flush(struct ds_writer *w, struct ds_error *err);

/*
 * Flushes; a stream that never got a record becomes one empty block, so that a stream is never
 * empty. Frees. When the reader of the pipe is gone, all of these return -1 with
 * ds_writer_broken() true: end quietly.
 */
int ds_writer_close(struct ds_writer *w, struct ds_error *err);
bool ds_writer_broken(const struct ds_writer *w);

#endif
