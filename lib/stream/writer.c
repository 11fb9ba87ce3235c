/* Writing streams: see stream.h and schemas/stream.md. */
#include "base/grow.h"
#include "stream/stream.h"

#include "base/checksum.h"
#include "stream/end_mark.h"
#include "stream/provenance.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define FULL_BLOCK ((size_t)1 << 18) /* bytes of records */
#define ZSTD_LEVEL 3

struct ds_writer {
    int fd;
    bool broken; /* nobody reads the pipe any more */
    bool begun;
    uint64_t written; /* blocks */
    struct ds_written part;
    const struct ds_space *space;
    msgpack_sbuffer head; /* the head up to the record count, behind the sync marker */
    msgpack_sbuffer records;
    uint64_t count;
    msgpack_sbuffer block; /* a whole block, ready to be written */
    ZSTD_CCtx *zstd;       /* NULL: not compressed */
    char *packed;
    size_t packed_room;
};

static void free_writer(struct ds_writer *w)
{
    msgpack_sbuffer_destroy(&w->head);
    msgpack_sbuffer_destroy(&w->records);
    msgpack_sbuffer_destroy(&w->block);
    ZSTD_freeCCtx(w->zstd);
    free(w->packed);
    free(w);
}

struct ds_writer *ds_writer_open(int fd, bool compress, struct ds_error *err)
{
    struct ds_writer *w = ds_alloc(1, sizeof *w, err);
    if (!w)
        return NULL;
    w->fd = fd;
    if (compress && !(w->zstd = ZSTD_createCCtx())) {
        ds_no_memory(err);
        free(w);
        return NULL;
    }
    if (w->zstd)
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    return w;
}

bool ds_writer_broken(const struct ds_writer *w)
{
    return w->broken;
}

static int write_all(struct ds_writer *w, const char *data, size_t size, struct ds_error *err)
{
    while (size) {
        ssize_t n = write(w->fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->broken = errno == EPIPE;
            return ds_fail(err, "cannot write: %s", strerror(errno));
        }
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static int pack_text(msgpack_packer *pk, const char *s)
{
    return msgpack_pack_str(pk, strlen(s)) || msgpack_pack_str_body(pk, s, strlen(s));
}

int ds_writer_begin(struct ds_writer *w, const struct ds_space *space, const void *before,
                    size_t before_size, const struct ds_made *made, struct ds_error *err)
{
    if (ds_writer_flush(w, err))
        return -1;
    msgpack_packer pk;
    msgpack_sbuffer_clear(&w->head);
    msgpack_packer_init(&pk, &w->head, msgpack_sbuffer_write);
    if (msgpack_sbuffer_write(&w->head, (const char *)ds_sync, DS_SYNC_SIZE) ||
        msgpack_pack_array(&pk, 6) || msgpack_pack_int(&pk, DS_STREAM_VERSION) ||
        pack_text(&pk, space->json))
        return ds_no_memory(err);
    if (ds_provenance_pack(&pk, before, before_size, made, err))
        return -1;
    w->space = space;
    w->begun = true;
    return 0;
}

int ds_writer_put(struct ds_writer *w, const struct ds_record *rec, struct ds_error *err)
{
    if (ds_record_pack(rec, &w->records, err))
        return -1;
    w->count++;
    return w->records.size >= FULL_BLOCK ? ds_writer_flush(w, err) : 0;
}

/* Puts head and records together; the checksum covers the head up to itself, and the records. */
static int build_block(struct ds_writer *w)
{
    msgpack_packer pk;
    msgpack_sbuffer *b = &w->block;
    msgpack_sbuffer_clear(b);
    msgpack_packer_init(&pk, b, msgpack_sbuffer_write);
    if (msgpack_sbuffer_write(b, w->head.data, w->head.size) ||
        msgpack_pack_uint64(&pk, w->count) || msgpack_pack_uint64(&pk, w->records.size))
        return -1;

    uint64_t sum = ds_block_checksum(b->data + DS_SYNC_SIZE, b->size - DS_SYNC_SIZE,
                                     w->records.data, w->records.size);
    /* always nine bytes, so that what it covers does not depend on it */
    if (msgpack_pack_fix_uint64(&pk, sum))
        return -1;
    ds_written_add(&w->part, w->count, sum);
    return w->records.size ? msgpack_sbuffer_write(b, w->records.data, w->records.size) : 0;
}

/* Writes the data compressed, as one frame of zstd. */
static int write_compressed(struct ds_writer *w, const char *data, size_t size,
                            struct ds_error *err)
{
    size_t most = ZSTD_compressBound(size);
    if (most > w->packed_room) {
        if (ds_resize(&w->packed, most, 1, err))
            return -1;
        w->packed_room = most;
    }
    size_t n = ZSTD_compress2(w->zstd, w->packed, most, data, size);
    if (ZSTD_isError(n))
        return ds_fail(err, "cannot compress: %s", ZSTD_getErrorName(n));
    return write_all(w, w->packed, n, err);
}

static int write_out(struct ds_writer *w, const char *data, size_t size, struct ds_error *err)
{
    return w->zstd ? write_compressed(w, data, size, err) : write_all(w, data, size, err);
}

static int write_block(struct ds_writer *w, struct ds_error *err)
{
    if (build_block(w))
        return ds_no_memory(err);
    w->count = 0;
    msgpack_sbuffer_clear(&w->records);
    w->written++;
    return write_out(w, w->block.data, w->block.size, err);
}

static int write_end(struct ds_writer *w, struct ds_error *err)
{
    uint8_t mark[DS_END_SIZE];
    ds_written_mark(&w->part, mark);
    return write_out(w, (const char *)mark, sizeof mark, err);
}

int ds_writer_flush(struct ds_writer *w, struct ds_error *err)
{
    return w->count ? write_block(w, err) : 0;
}

int ds_writer_close(struct ds_writer *w, struct ds_error *err)
{
    int rc = 0;
    if (!w->broken && w->begun && (w->count || !w->written))
        rc = write_block(w, err);
    if (rc == 0 && !w->broken && w->written)
        rc = write_end(w, err);
    bool broken = w->broken;
    free_writer(w);
    return broken ? 0 : rc;
}
