/* Reading streams: see stream.h and schemas/stream.md. */
#include "base/grow.h"
#include "stream/stream.h"

#include "base/checksum.h"
#include "stream/end_mark.h"
#include "stream/inputs.h"
#include "stream/provenance.h"
#include "stream/span.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

const unsigned char ds_sync[DS_SYNC_SIZE] = {0xD8, 0x44, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1,
                                             0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1};

#define READ_CHUNK ((size_t)1 << 18)
#define MOST_HEAD ((size_t)1 << 24)    /* bytes of a head */
#define MOST_BLOCK ((uint64_t)1 << 30) /* bytes of a block's records */
#define CHECKSUM_SIZE 9                /* a msgpack uint64, the last of the head */

struct bytes {
    uint8_t *data;
    size_t at, have, room; /* data[at..have) is still to be used */
};

/* A design space of the stream; spaces live as long as the reader. */
struct known_space {
    struct ds_space *space;
    char *json; /* as written in the stream */
    size_t size;
    struct known_space *next;
};

struct ds_reader {
    char *const *names;
    int nnames, next_name;
    const char *name; /* of the open file; NULL: none open */
    int fd;
    bool ended; /* the open file is */
    struct bytes plain;
    uint64_t plain_bytes; /* of this file, brought into `plain` so far */
    struct bytes packed;  /* compressed bytes not yet used */
    bool in_frame;        /* between frames of zstd, bytes are plain */
    bool frame_done;
    bool compressed; /* the file has had a frame */
    bool placed;     /* `err` says already where the fault is */
    ZSTD_DCtx *zstd;

    struct known_space *known; /* a list */
    const struct ds_space *space;
    msgpack_zone *zone; /* for heads */
    uint8_t *provenance;
    size_t provenance_size;
    struct ds_inputs inputs;   /* all provenances */
    uint64_t total;            /* of all parts so far */
    uint64_t provenance_total; /* as the present provenance has it */

    bool accepts_piece;     /* an end mark may be missing, and what it counts elsewhere */
    bool in_part;           /* blocks were read whose end mark was not read yet */
    bool part_begins;       /* the next block is the first of a part, or of a file */
    struct ds_written part; /* what was read of it */

    uint64_t blocks;
    uint64_t records_left;
    size_t block_end;     /* in plain.data */
    uint64_t file_record; /* records of this file given so far */
    uint64_t record_at;   /* where the last one began */
    struct ds_record record;
    char where[512];
};

struct ds_reader *ds_reader_open(char *const *names, int nnames, struct ds_error *err)
{
    static char standard[] = "-";
    static char *const only_standard[] = {standard};
    struct ds_reader *r = ds_alloc(1, sizeof *r, err);
    if (!r)
        return NULL;
    r->names = nnames ? names : only_standard;
    r->nnames = nnames ? nnames : 1;
    r->zone = msgpack_zone_new(1024);
    r->zstd = ZSTD_createDCtx();
    if (ds_record_init(&r->record, err) || !r->zone || !r->zstd) {
        ds_no_memory(err);
        ds_reader_close(r);
        return NULL;
    }
    return r;
}

static void close_file(struct ds_reader *r)
{
    if (r->name && r->fd > 0)
        close(r->fd);
    r->name = NULL;
}

void ds_reader_close(struct ds_reader *r)
{
    if (!r)
        return;
    close_file(r);
    while (r->known) {
        struct known_space *m = r->known;
        r->known = m->next;
        ds_space_free(m->space);
        free(m->json);
        free(m);
    }
    ds_record_free(&r->record);
    if (r->zone)
        msgpack_zone_free(r->zone);
    ZSTD_freeDCtx(r->zstd);
    free(r->plain.data);
    free(r->packed.data);
    free(r->provenance);
    ds_inputs_free(&r->inputs);
    free(r);
}

uint64_t ds_reader_block(const struct ds_reader *r)
{
    return r->blocks;
}

const struct ds_space *ds_reader_space(const struct ds_reader *r)
{
    return r->space;
}

const void *ds_reader_provenance(const struct ds_reader *r, size_t *size)
{
    *size = r->provenance_size;
    return r->provenance;
}

int ds_reader_inputs(const struct ds_reader *r, msgpack_sbuffer *out, struct ds_error *err)
{
    return ds_inputs_pack(&r->inputs, out, err);
}

uint64_t ds_reader_total(const struct ds_reader *r)
{
    return r->total;
}

uint64_t ds_reader_provenance_total(const struct ds_reader *r)
{
    return r->provenance_total;
}

void ds_reader_accept_piece(struct ds_reader *r)
{
    r->accepts_piece = true;
}

/* ---- bytes ---- */

/* Makes room for n more bytes, moving what is unused to the front. */
static int make_room(struct bytes *b, size_t n, struct ds_error *err)
{
    if (b->at) {
        memmove(b->data, b->data + b->at, b->have - b->at);
        b->have -= b->at;
        b->at = 0;
    }
    if (b->room - b->have >= n)
        return 0;
    size_t room = b->room ? b->room : READ_CHUNK;
    while (room - b->have < n)
        room *= 2;
    if (ds_resize(&b->data, room, 1, err))
        return -1;
    b->room = room;
    return 0;
}

/* Where plain.data[at] stands in the file, decompressed. */
static uint64_t position(const struct ds_reader *r, size_t at)
{
    return r->plain_bytes - (r->plain.have - at);
}

/* Adds to the message where the fault is, unless it says so already. */
static int fail_at(struct ds_reader *r, uint64_t byte, struct ds_error *err)
{
    if (r->placed)
        return -1;
    r->placed = true;
    return ds_fail_in(err, "%s: record %" PRIu64 ", byte %" PRIu64 "%s", r->name,
                      r->file_record + 1, byte, r->compressed ? " once decompressed" : "");
}

/* Reads on in the file: 1, 0 at its end, -1. */
static int read_file(struct ds_reader *r, struct bytes *b, struct ds_error *err)
{
    if (r->ended)
        return 0;
    if (make_room(b, READ_CHUNK, err))
        return -1;
    ssize_t n;
    do
        n = read(r->fd, b->data + b->have, b->room - b->have);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        r->placed = true;
        return ds_fail(err, "%s: %s", r->name, strerror(errno));
    }
    b->have += (size_t)n;
    if (b == &r->plain)
        r->plain_bytes += (uint64_t)n;
    r->ended = n == 0;
    return n > 0;
}

/* Moves the unused bytes of one buffer behind those of the other. */
static int move_bytes(struct bytes *from, struct bytes *to, struct ds_error *err)
{
    size_t n = from->have - from->at;
    if (make_room(to, n, err))
        return -1;
    if (n)
        memcpy(to->data + to->have, from->data + from->at, n);
    to->have += n;
    from->at = from->have = 0;
    return 0;
}

/*
 * Whether these bytes, up to four, begin a frame of zstd, or a skippable frame as pzstd writes
 * them.
 */
static bool begins_frame(const uint8_t *p, size_t n)
{
    static const uint8_t data[4] = {0x28, 0xB5, 0x2F, 0xFD}, skip[4] = {0x50, 0x2A, 0x4D, 0x18};
    if (n && (p[0] & 0xF0) == skip[0])
        return memcmp(p + 1, skip + 1, n - 1) == 0;
    return memcmp(p, data, n) == 0;
}

static bool at_frame(const struct bytes *b)
{
    return b->have - b->at >= 4 && begins_frame(b->data + b->at, 4);
}

static void begin_frame(struct ds_reader *r)
{
    ZSTD_DCtx_reset(r->zstd, ZSTD_reset_session_only);
    r->in_frame = r->compressed = true;
    r->frame_done = false;
}

/* After a frame: another one, or plain bytes. */
static int end_frame(struct ds_reader *r, struct ds_error *err)
{
    while (r->packed.have - r->packed.at < 4 && !r->ended)
        if (read_file(r, &r->packed, err) < 0)
            return -1;
    if (at_frame(&r->packed)) {
        begin_frame(r);
        return 0;
    }
    r->in_frame = r->frame_done = false;
    r->plain_bytes += r->packed.have - r->packed.at;
    return move_bytes(&r->packed, &r->plain, err);
}

/* Decompresses what is in the buffer; returns how many plain bytes that gave, or -1. */
static ssize_t inflate_some(struct ds_reader *r, struct ds_error *err)
{
    if (make_room(&r->plain, READ_CHUNK, err))
        return -1;
    ZSTD_inBuffer in = {r->packed.data, r->packed.have, r->packed.at};
    ZSTD_outBuffer out = {r->plain.data, r->plain.room, r->plain.have};
    size_t rc = ZSTD_decompressStream(r->zstd, &out, &in);
    if (ZSTD_isError(rc)) {
        ds_fail(err, "damaged zstd data: %s", ZSTD_getErrorName(rc));
        return fail_at(r, position(r, r->plain.have), err);
    }
    size_t made = out.pos - r->plain.have;
    r->packed.at = in.pos;
    r->plain.have = out.pos;
    r->plain_bytes += made;
    r->frame_done = rc == 0;
    return (ssize_t)made;
}

/* Reads more plain bytes: 1, 0 at the end of the file, -1. */
static int more_plain(struct ds_reader *r, struct ds_error *err)
{
    while (r->in_frame) {
        if (r->frame_done) {
            size_t before = r->plain.have - r->plain.at;
            if (end_frame(r, err))
                return -1;
            if (r->plain.have - r->plain.at > before)
                return 1;
            continue;
        }
        ssize_t made = inflate_some(r, err);
        if (made)
            return made < 0 ? -1 : 1;
        int rc = r->frame_done ? 1 : read_file(r, &r->packed, err);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            ds_fail(err, "the input ends inside a zstd frame: it was cut off");
            return fail_at(r, position(r, r->plain.have), err);
        }
    }
    return read_file(r, &r->plain, err);
}

/* Reads until n plain bytes are in the buffer: 1, 0 when the input ends before, -1. */
static int need(struct ds_reader *r, size_t n, struct ds_error *err)
{
    while (r->plain.have - r->plain.at < n) {
        int rc = more_plain(r, err);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

/* ---- blocks ---- */

/* Opens the next file: 1, 0 when there is none, -1. */
static int next_file(struct ds_reader *r, struct ds_error *err)
{
    close_file(r);
    if (r->next_name == r->nnames)
        return 0;
    const char *name = r->names[r->next_name++];
    bool standard = strcmp(name, "-") == 0;
    r->fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    r->name = standard ? "standard input" : name;
    if (r->fd < 0) {
        r->name = NULL;
        return ds_fail(err, "%s: %s", name, strerror(errno));
    }
    if (isatty(r->fd))
        return ds_fail(err, "%s is a terminal: name a file or pipe a stream in", r->name);
    r->ended = r->in_frame = r->frame_done = r->compressed = false;
    r->part_begins = true;
    r->plain_bytes = r->file_record = 0;
    r->plain.at = r->plain.have = 0;
    r->packed.at = r->packed.have = 0;
    return 1;
}

/* Gives the space written as this JSON, parsing it when it is new. */
static int find_space(struct ds_reader *r, const char *json, size_t size, struct ds_error *err)
{
    for (struct known_space *m = r->known; m; m = m->next)
        if (m->size == size && memcmp(m->json, json, size) == 0) {
            r->space = m->space;
            return 0;
        }
    struct known_space *m = ds_alloc(1, sizeof *m, NULL);
    if (!m || !(m->json = ds_alloc(size + 1, 1, NULL))) {
        free(m);
        return ds_no_memory(err);
    }
    memcpy(m->json, json, size);
    m->size = size;
    if (!(m->space = ds_space_parse(json, size, err))) {
        free(m->json);
        free(m);
        return ds_fail_in(err, "the block's space");
    }
    m->next = r->known;
    r->known = m;
    r->space = m->space;
    return 0;
}

/* The "total" that the last tool left in its entry of the provenance; 0: none. */
static uint64_t find_total(const msgpack_object *p)
{
    struct ds_provenance_entry e = {0};
    uint32_t n = p->via.array.size;
    return n && ds_provenance_read(&p->via.array.ptr[n - 1], &e) ? e.total : 0;
}

/*
 * Keeps the provenance, and adds its total to that of the stream where the provenance is a new one
 * or a new part begins.
 */
static int keep_provenance(struct ds_reader *r, const msgpack_object *p, struct ds_error *err)
{
    msgpack_sbuffer packed;
    msgpack_packer pk;
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&pk, &packed, msgpack_sbuffer_write);
    if (msgpack_pack_object(&pk, *p)) {
        msgpack_sbuffer_destroy(&packed);
        return ds_no_memory(err);
    }
    bool same = r->provenance && packed.size == r->provenance_size &&
                memcmp(packed.data, r->provenance, packed.size) == 0;
    free(r->provenance);
    r->provenance_size = packed.size;
    r->provenance = (uint8_t *)msgpack_sbuffer_release(&packed);
    r->provenance_total = find_total(p);
    if (!same || r->part_begins)
        r->total += r->provenance_total;
    r->part_begins = false;
    return same ? 0 : ds_inputs_add(&r->inputs, r->provenance, r->provenance_size, err);
}

/* Unpacks and checks a head; gives its six elements, whose strings point into `head`. */
static const msgpack_object *unpack_head(struct ds_reader *r, const uint8_t *head, size_t size,
                                         struct ds_error *err)
{
    size_t at = 0;
    msgpack_object o;
    const msgpack_object *e = NULL;
    msgpack_zone_clear(r->zone);
    if (msgpack_unpack((const char *)head, size, &at, r->zone, &o) != MSGPACK_UNPACK_SUCCESS) {
        ds_no_memory(err);
        return NULL;
    }
    ds_fail(err, "the head of a block is damaged");
    if (o.type != MSGPACK_OBJECT_ARRAY || o.via.array.size < 1 ||
        o.via.array.ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return NULL;
    e = o.via.array.ptr;
    if (e[0].via.u64 > DS_STREAM_VERSION) {
        ds_fail(err,
                "stream version %" PRIu64 ", which is newer than this dstools reads (%d): "
                "update dstools",
                e[0].via.u64, DS_STREAM_VERSION);
        return NULL;
    }
    if (o.via.array.size != 6 || e[1].type != MSGPACK_OBJECT_STR ||
        e[2].type != MSGPACK_OBJECT_ARRAY || e[3].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        e[4].type != MSGPACK_OBJECT_POSITIVE_INTEGER || size < CHECKSUM_SIZE ||
        head[size - CHECKSUM_SIZE] != 0xCF)
        return NULL;
    if (e[4].via.u64 > MOST_BLOCK || e[3].via.u64 > e[4].via.u64) {
        ds_fail(err, "a block of %" PRIu64 " records in %" PRIu64 " bytes: damaged", e[3].via.u64,
                e[4].via.u64);
        return NULL;
    }
    return e;
}

/*
 * Reads the records that follow a head of known size, checks them, and makes this the present
 * block.
 */
static int use_head(struct ds_reader *r, size_t head_size, struct ds_error *err)
{
    const uint8_t *head = r->plain.data + r->plain.at + DS_SYNC_SIZE;
    const msgpack_object *e = unpack_head(r, head, head_size, err);
    if (!e)
        return -1;
    size_t size = (size_t)e[4].via.u64;
    int rc = need(r, DS_SYNC_SIZE + head_size + size, err);
    if (rc <= 0)
        return rc < 0 ? -1 : ds_fail(err, "the input ends inside a block: it was cut off");

    head = r->plain.data + r->plain.at + DS_SYNC_SIZE; /* reading moves the buffer */
    if (!(e = unpack_head(r, head, head_size, err)))
        return -1;
    if (ds_block_checksum(head, head_size - CHECKSUM_SIZE, head + head_size, size) != e[5].via.u64)
        return ds_fail(err, "the checksum of a block does not match: the data is damaged");
    if (e[0].via.u64 < 2 && r->in_part && !r->accepts_piece)
        return ds_fail(
            err, "no end mark before this block: a stream was cut off, or what wrote it failed");
    if (find_space(r, e[1].via.str.ptr, e[1].via.str.size, err) || keep_provenance(r, &e[2], err))
        return -1;
    if ((r->in_part = e[0].via.u64 >= 2))
        ds_written_add(&r->part, e[3].via.u64, e[5].via.u64);
    r->blocks++;
    r->records_left = e[3].via.u64;
    r->plain.at += DS_SYNC_SIZE + head_size;
    r->block_end = r->plain.at + size;
    return 0;
}

/* Finds where the head ends, reading on until it is there, and uses it. */
static int read_head(struct ds_reader *r, struct ds_error *err)
{
    for (size_t want = DS_SYNC_SIZE + 1;;) {
        int rc = need(r, want, err);
        if (rc < 0)
            return -1;
        size_t used, have = r->plain.have - r->plain.at - DS_SYNC_SIZE;
        const uint8_t *head = r->plain.data + r->plain.at + DS_SYNC_SIZE;
        switch (ds_span(head, have, &used, err)) {
        case DS_SPAN_OK:
            return use_head(r, used, err);
        case DS_SPAN_BAD:
            return ds_fail_in(err, "the head of a block is damaged");
        case DS_SPAN_CUT:
            break;
        }
        if (rc == 0)
            return ds_fail(err, "the input ends inside the head of a block: it was cut off");
        if (have > MOST_HEAD)
            return ds_fail(err, "the head of a block is larger than %zu bytes: damaged", MOST_HEAD);
        want = DS_SYNC_SIZE + 2 * have + 1;
    }
}

/* ---- end marks ---- */

/* Compares the end mark in the buffer with the blocks that were read, and skips it. */
static int use_end_mark(struct ds_reader *r, struct ds_error *err)
{
    uint8_t mark[DS_END_SIZE];
    ds_written_mark(&r->part, mark);
    const uint8_t *found = r->plain.data + r->plain.at;
    if (!r->accepts_piece && memcmp(mark, found, DS_END_SIZE) != 0) {
        uint64_t counted = ds_end_records(found);
        if (counted == r->part.records)
            return ds_fail(err, "the end mark does not fit what came before it: the data is "
                                "damaged, or blocks were exchanged");
        return ds_fail(err,
                       "the end mark counts %" PRIu64 " records, but %" PRIu64
                       " came: blocks are missing, or a stream before this one was cut off",
                       counted, r->part.records);
    }
    r->plain.at += DS_END_SIZE;
    r->in_part = false;
    r->part_begins = true;
    r->part = (struct ds_written){0};
    return 0;
}

/* At the end of a file: an error where blocks were read whose end mark is missing. */
static int check_end(struct ds_reader *r, struct ds_error *err)
{
    if (r->plain_bytes == 0)
        return ds_fail(err,
                       "%s: empty: not even an empty stream; did the command that made it fail?",
                       r->name);
    if (r->in_part && !r->accepts_piece) {
        ds_fail(err, "the input ends without an end mark: it was cut off, or what wrote it failed "
                     "(--piece accepts a piece that parallel cut)");
        return fail_at(r, position(r, r->plain.at), err);
    }
    r->in_part = false;
    r->part = (struct ds_written){0};
    return 0;
}

/* Goes to where there is data, in this file or the next: 1, 0 at the end of all input, -1. */
static int find_data(struct ds_reader *r, struct ds_error *err)
{
    for (;;) {
        int rc = r->name ? need(r, 4, err) : 0;
        if (rc < 0)
            return -1;
        if (r->name && r->plain.have > r->plain.at)
            break;
        if (r->name && check_end(r, err))
            return -1;
        if ((rc = next_file(r, err)) <= 0)
            return rc;
    }
    if (r->in_frame || !at_frame(&r->plain))
        return 1;
    r->plain_bytes -= r->plain.have - r->plain.at;
    if (move_bytes(&r->plain, &r->packed, err))
        return -1;
    begin_frame(r);
    return find_data(r, err);
}

/* What begins with the bytes that come next. */
enum begins { BEGINS_BLOCK, BEGINS_END_MARK, BEGINS_FRAME, BEGINS_NOTHING };

static enum begins what_begins(const uint8_t *p, size_t n)
{
    if (n < 4 && begins_frame(p, n))
        return BEGINS_FRAME;
    if (n >= 2 && memcmp(p, ds_end_sync, 2) == 0)
        return BEGINS_END_MARK;
    return memcmp(p, ds_sync, n < DS_SYNC_SIZE ? n : DS_SYNC_SIZE) ? BEGINS_NOTHING : BEGINS_BLOCK;
}

/* Begins the next block: 1, 0 at the end of all input, -1. */
static int next_block(struct ds_reader *r, struct ds_error *err)
{
    static const char *const cut[] = {"a block", "an end mark", "a zstd frame"};
    int rc;
    while ((rc = find_data(r, err)) > 0) {
        uint64_t at = position(r, r->plain.at);
        bool whole = (rc = need(r, DS_SYNC_SIZE, err)) > 0;
        if (rc < 0)
            return -1;
        enum begins begins = what_begins(r->plain.data + r->plain.at, r->plain.have - r->plain.at);
        if (begins == BEGINS_NOTHING)
            rc =
                ds_fail(err, "no block begins here: %s",
                        r->file_record || at ? "the data is damaged" : "this is no dstools stream");
        else if (!whole)
            rc = ds_fail(err, "the input ends inside %s: it was cut off", cut[begins]);
        else
            rc = begins == BEGINS_BLOCK ? read_head(r, err) : use_end_mark(r, err);
        if (rc)
            return fail_at(r, at, err);
        if (begins == BEGINS_BLOCK)
            return 1;
    }
    return rc;
}

/* ---- records ---- */

int ds_reader_next(struct ds_reader *r, struct ds_record **rec, struct ds_error *err)
{
    while (r->records_left == 0) {
        if (r->plain.at < r->block_end) {
            ds_fail(err, "a block holds more than its records: damaged");
            return fail_at(r, position(r, r->plain.at), err);
        }
        r->block_end = 0;
        int rc = next_block(r, err);
        if (rc <= 0)
            return rc;
    }
    size_t used;
    r->record_at = position(r, r->plain.at);
    if (ds_record_parse(&r->record, r->space, r->plain.data + r->plain.at,
                        r->block_end - r->plain.at, &used, err))
        return fail_at(r, r->record_at, err);
    r->plain.at += used;
    r->records_left--;
    r->file_record++;
    *rec = &r->record;
    return 1;
}

const char *ds_reader_where(const struct ds_reader *r)
{
    char *where = ((struct ds_reader *)r)->where;
    snprintf(where, sizeof r->where, "%s: record %" PRIu64 ", byte %" PRIu64,
             r->name ? r->name : "input", r->file_record, r->record_at);
    return where;
}
