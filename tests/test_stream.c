#include "base/checksum.h"
#include "stream/span.h"
#include "stream/stream.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

static struct ds_space *space;
static const char small_space[] =
    "{\"dstools_space\":1,\"name\":\"t\",\"resolution\":[32,64],\"blocks\":[{\"name\":\"a\","
    "\"type\":\"mbconv\",\"expand\":3,\"kernel\":3},{\"name\":\"b\",\"type\":\"skip\"}],"
    "\"stem\":[],\"head\":[],\"units\":[{\"width\":8,\"depth\":[1,2]}]}";

struct bytes {
    unsigned char data[1 << 16];
    size_t size;
};

/* What reading gave: how many records, a sum over their content, and the message. */
struct got {
    int rc;
    uint64_t records, sum, blocks, total;
    struct ds_error err;
};

/* Reads a stream, or a piece of one; of many names of the same file. */
static struct got read_names(int fd, int n, bool piece)
{
    struct got g = {.err = {""}};
    char name[32], *names[] = {name, name, name};
    struct ds_record *rec;
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    struct ds_reader *r = ds_reader_open(names, n, &g.err);
    if (piece)
        ds_reader_accept_piece(r);
    while ((g.rc = ds_reader_next(r, &rec, &g.err)) > 0) {
        msgpack_sbuffer out;
        msgpack_sbuffer_init(&out);
        ds_record_pack(rec, &out, &g.err);
        g.sum = g.sum * 31 + ds_block_checksum(out.data, out.size, NULL, 0);
        msgpack_sbuffer_destroy(&out);
        g.records++;
    }
    g.blocks = ds_reader_block(r);
    g.total = ds_reader_total(r);
    ds_reader_close(r);
    return g;
}

static struct got read_fd(int fd)
{
    return read_names(fd, 1, false);
}

static struct got read_data(const void *data, size_t size, bool piece)
{
    int fd = memfd_create("stream", 0);
    if (write(fd, data, size) != (ssize_t)size)
        abort();
    lseek(fd, 0, SEEK_SET);
    struct got g = read_names(fd, 1, piece);
    close(fd);
    return g;
}

static struct got read_bytes(const void *data, size_t size)
{
    return read_data(data, size, false);
}

/* Through a pipe, a byte at a time. */
static struct got read_slowly(const struct bytes *b)
{
    int ends[2];
    if (pipe(ends))
        abort();
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < b->size; i++)
            if (write(ends[1], b->data + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    struct got g = read_fd(ends[0]);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return g;
}

static void set_metrics(struct ds_record *rec, int i)
{
    ds_record_set(rec, "macs", i * 1.5);
    struct ds_metric *m = ds_record_set(rec, "latency.cpu", 3.25 + i);
    ds_metric_num(rec, m, "lo", 3);
    ds_metric_str(rec, m, "engine", "none 1.0");
    ds_metric_bool(rec, m, "converged", true);
    ds_metric_int(rec, m, "runs", -7);
}

/* Three blocks: of two records, of one, of a group. */
static struct bytes make_stream(bool compress)
{
    static struct bytes b;
    struct ds_error err;
    struct ds_record rec;
    int fd = memfd_create("stream", 0);
    char *args[] = {(char *)"-n", (char *)"3"};
    struct ds_made made = {.tool = "test", .args = args, .nargs = 2, .total = 4};
    struct ds_writer *w = ds_writer_open(fd, compress, &err);
    ds_record_init(&rec, &err);
    ds_writer_begin(w, space, NULL, 0, &made, &err);
    for (int i = 0; i < 3; i++) {
        uint8_t choice[] = {(uint8_t)(i % 2), (uint8_t)(i % 2), 0, 1, 0};
        ds_record_arch(&rec, space, choice, &err);
        set_metrics(&rec, i);
        if (i == 2) {
            rec.has_base = true;
            rec.base = UINT64_MAX;
            rec.affix_site = 3;
            rec.affix_choice = 1;
        }
        ds_writer_put(w, &rec, &err);
        if (i)
            ds_writer_flush(w, &err);
    }
    ds_record_group(&rec, space);
    ds_record_group_num(&rec, "unit", 0, &err);
    ds_record_group_str(&rec, "block", "a", &err);
    ds_record_set(&rec, "macs", 2);
    ds_writer_put(w, &rec, &err);
    ds_writer_close(w, &err);
    ds_record_free(&rec);
    b.size = (size_t)lseek(fd, 0, SEEK_END);
    if (pread(fd, b.data, b.size, 0) != (ssize_t)b.size)
        abort();
    close(fd);
    return b;
}

static void round_trip(const struct bytes *b)
{
    struct got g = read_bytes(b->data, b->size);
    CHECK(g.rc == 0 && g.records == 4 && g.blocks == 3, "round trip: %s", g.err.text);
    struct got slow = read_slowly(b);
    CHECK(slow.rc == 0 && slow.sum == g.sum, "byte by byte through a pipe");

    struct bytes packed = make_stream(true);
    struct got z = read_bytes(packed.data, packed.size);
    CHECK(z.rc == 0 && z.sum == g.sum && packed.data[0] == 0x28, "compressed, found by itself");
    slow = read_slowly(&packed);
    CHECK(slow.rc == 0 && slow.sum == g.sum, "compressed, byte by byte");

    static struct bytes both;
    memcpy(both.data, packed.data, packed.size);
    memcpy(both.data + packed.size, b->data, b->size);
    memcpy(both.data + packed.size + b->size, packed.data, packed.size);
    both.size = 2 * packed.size + b->size;
    struct got three = read_slowly(&both);
    CHECK(three.rc == 0 && three.records == 12, "compressed and plain ones, one after another: %s",
          three.err.text);

    /* cut anywhere and compressed in pieces, with frames to skip between, as pzstd does */
    both.size = 0;
    for (size_t at = 0; at < b->size; at += 100) {
        size_t n = b->size - at < 100 ? b->size - at : 100;
        memcpy(both.data + both.size, "\x50\x2a\x4d\x18\x04\0\0\0size", 12);
        both.size += 12;
        both.size +=
            ZSTD_compress(both.data + both.size, sizeof both.data - both.size, b->data + at, n, 1);
    }
    struct got pieces = read_bytes(both.data, both.size);
    CHECK(pieces.rc == 0 && pieces.sum == g.sum, "frames that end inside blocks: %s",
          pieces.err.text);
}

/* How often a word stands in a text. */
static int times(const char *text, const char *word)
{
    int n = 0;
    while ((text = strstr(text, word))) {
        text += strlen(word);
        n++;
    }
    return n;
}

static void every_cut(const struct bytes *b, const char *what)
{
    struct got whole = read_bytes(b->data, b->size);
    size_t told = 0, at_boundary = 0, silent = 0, lost = 0;
    for (size_t n = 1; n < b->size; n++) {
        struct got g = read_bytes(b->data, n);
        bool boundary = strstr(g.err.text, "ends without an end mark");
        told += g.rc < 0 && strstr(g.err.text, "cut off") && times(g.err.text, ", byte ") == 1;
        at_boundary += boundary;
        silent += g.rc == 0;
        silent += boundary && read_data(b->data, n, true).rc; /* a piece may end there */
        lost += boundary && g.records + 1 < g.blocks;
    }
    CHECK(silent == 0 && lost == 0 && at_boundary == 3 && told == b->size - 1 && whole.rc == 0,
          "%s: every cut is told (%zu; %zu between blocks)", what, told, at_boundary);
}

static void every_flip(const struct bytes *b, const char *what)
{
    static struct bytes bad;
    struct got whole = read_bytes(b->data, b->size);
    size_t silent = 0;
    for (size_t i = 0; i < b->size * 8; i++) {
        memcpy(bad.data, b->data, b->size);
        bad.data[i / 8] ^= (unsigned char)(1 << i % 8);
        struct got g = read_bytes(bad.data, b->size);
        silent += g.rc == 0 && g.sum != whole.sum;
    }
    CHECK(silent == 0, "%s: no flipped bit changes records silently", what);
}

/* Where the blocks of a plain stream begin, then its end mark, then its end. */
static int find_blocks(const struct bytes *b, size_t at[8])
{
    int n = 0;
    for (size_t i = 0; i + DS_SYNC_SIZE <= b->size; i++)
        if (memcmp(b->data + i, ds_sync, DS_SYNC_SIZE) == 0)
            at[n++] = i;
    at[n] = b->size - 18;
    at[n + 1] = b->size;
    return n;
}

/* Streams put together of the parts of one of three blocks, 0 to 2, and its end mark, 3. */
static void end_marks(const struct bytes *b)
{
    static const struct {
        const char *what, *parts, *says;
    } cases[] = {
        {"one after another", "01230123", NULL},
        {"a first stream that was cut, then a whole one", "010123", "counts 4 records, but 7 came"},
        {"a first block missing", "123", "counts 4 records, but 2 came"},
        {"a block twice", "0112 3", "counts 4 records, but 5 came"},
        {"blocks exchanged", "0213", "does not fit"},
        {"a whole stream, then a cut one", "01230", "without an end mark"},
        {"an end mark alone", "3", "counts 4 records, but 0 came"},
        {"an end mark twice", "01233", "counts 4 records, but 0 came"},
    };
    static struct bytes made;
    size_t at[8];
    CHECK(find_blocks(b, at) == 3 && memcmp(b->data + at[3], "\xd8\x45", 2) == 0,
          "three blocks and an end mark");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made.size = 0;
        for (const char *p = cases[i].parts; *p; p++) {
            int k = *p - '0';
            if (*p == ' ')
                continue;
            memcpy(made.data + made.size, b->data + at[k], at[k + 1] - at[k]);
            made.size += at[k + 1] - at[k];
        }
        struct got g = read_bytes(made.data, made.size);
        CHECK(cases[i].says ? g.rc < 0 && strstr(g.err.text, cases[i].says) &&
                                  times(g.err.text, ", byte ") == 1
                            : g.rc == 0,
              "%s: %s", cases[i].what, g.err.text);
        struct got piece = read_data(made.data, made.size, true);
        CHECK(piece.rc == 0 && piece.sum == g.sum, "%s: as a piece: %s", cases[i].what,
              piece.err.text);
    }
}

/* What the makers meant to write, over several parts and files. */
static void totals(const struct bytes *b)
{
    int fd = memfd_create("stream", 0);
    if (write(fd, b->data, b->size) != (ssize_t)b->size ||
        write(fd, b->data, b->size) != (ssize_t)b->size)
        abort();
    struct got twice = read_names(fd, 1, false), files = read_names(fd, 3, false);
    CHECK(twice.total == 8 && files.total == 24, "totals add up: %d of a stream twice, %d of files",
          (int)twice.total, (int)files.total);
    close(fd);
}

/* Blocks of two spaces, one after the other and back. */
static void several_spaces(void)
{
    static const char other_space[] =
        "{\"dstools_space\":1,\"name\":\"o\",\"resolution\":8,\"blocks\":[{\"name\":\"a\","
        "\"type\":\"skip\"}],\"stem\":[],\"head\":[],\"units\":[{\"width\":[8,16],\"depth\":1}]}";
    struct ds_error err;
    struct ds_space *other = ds_space_parse(other_space, strlen(other_space), &err);
    struct ds_record rec, *got;
    char name[32], *names[] = {name, name};
    int fd = memfd_create("stream", 0);
    struct ds_writer *w = ds_writer_open(fd, false, &err);
    ds_record_init(&rec, &err);
    for (int i = 0; i < 4; i++) {
        const struct ds_space *s = i % 2 ? other : space;
        uint8_t choice[DS_MAX_SITES] = {0};
        ds_record_arch(&rec, s, choice, &err);
        ds_writer_begin(w, s, NULL, 0, NULL, &err);
        ds_writer_put(w, &rec, &err);
    }
    ds_writer_close(w, &err);

    /* the same file twice, as two names */
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    struct ds_reader *r = ds_reader_open(names, 2, &err);
    const struct ds_space *met[8];
    int n = 0, where = 0;
    for (; n < 8 && ds_reader_next(r, &got, &err) > 0; n++) {
        char expected[64];
        met[n] = got->space;
        snprintf(expected, sizeof expected, "%s: record %d, byte ", name, n % 4 + 1);
        where += strncmp(ds_reader_where(r), expected, strlen(expected)) == 0;
    }
    CHECK(n == 8 && met[0] == met[2] && met[1] == met[3] && met[0] != met[1] && met[4] == met[0] &&
              strcmp(met[1]->name, "o") == 0,
          "two spaces by turns, in two files: each is met once");
    CHECK(where == 8, "records are counted by file: %s", ds_reader_where(r));
    ds_reader_close(r);
    ds_record_free(&rec);
    ds_space_free(other);
    close(fd);
}

/* A block around `records`, with the right checksum. */
static struct got read_block(const void *records, size_t size, uint64_t version, uint64_t count,
                             uint64_t claimed)
{
    msgpack_sbuffer b;
    msgpack_packer pk;
    msgpack_sbuffer_init(&b);
    msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
    msgpack_sbuffer_write(&b, (const char *)ds_sync, DS_SYNC_SIZE);
    msgpack_pack_array(&pk, 6);
    msgpack_pack_uint64(&pk, version);
    msgpack_pack_str(&pk, strlen(small_space));
    msgpack_pack_str_body(&pk, small_space, strlen(small_space));
    msgpack_pack_array(&pk, 0);
    msgpack_pack_uint64(&pk, count);
    msgpack_pack_uint64(&pk, claimed);
    uint64_t sum = ds_block_checksum(b.data + DS_SYNC_SIZE, b.size - DS_SYNC_SIZE, records, size);
    msgpack_pack_fix_uint64(&pk, sum);
    msgpack_sbuffer_write(&b, records, size);
    struct got g = read_bytes(b.data, b.size);
    msgpack_sbuffer_destroy(&b);
    return g;
}

static void hostile(void)
{
    static const struct {
        const char *what, *data;
        size_t size;
        const char *says;
    } bad[] = {
        {"array of 2^32 elements", "\xdd\xff\xff\xff\xff", 5, "beyond its block"},
        {"map of 2^32 pairs", "\xdf\xff\xff\xff\xff", 5, "beyond its block"},
        {"string of 2^32 bytes", "\xdb\xff\xff\xff\xff", 5, "beyond its block"},
        {"bytes of 2^32", "\xc6\xff\xff\xff\xff", 5, "beyond its block"},
        {"ext of 2^32", "\xc9\xff\xff\xff\xff\x01", 6, "beyond its block"},
        {"the byte that is never used", "\xc1", 1, "0xC1"},
        {"deep nesting",
         "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0", 19,
         "nested deeper"},
        {"a number", "\x07", 1, "must be a map"},
        {"id as text", "\x81\xa2id\xa1x", 6, "\"id\" must be"},
        {"arch of another size",
         "\x81\xa4"
         "arch\xc4\x01\x00",
         9, "\"arch\" must be 5 bytes"},
        {"choice that is not there",
         "\x81\xa4"
         "arch\xc4\x05\x09\x00\x00\x00\x00",
         13, "at site resolution"},
        {"id of another",
         "\x82\xa2id\x01\xa4"
         "arch\xc4\x05\x00\x00\x00\x00\xff",
         17, "\"id\" is"},
        {"id of nothing", "\x81\xa2id\x01", 5, "\"id\" without \"arch\""},
        {"affix at half a site",
         "\x81\xa5"
         "affix\x92\xca\x3f\x00\x00\x00\x00",
         14, "\"affix\" must be"},
        {"affix of another space",
         "\x81\xa5"
         "affix\x92\x63\x00",
         10, "\"affix\" must be"},
        {"metrics as a list", "\x81\xa7metrics\x90", 10, "\"metrics\" must be"},
        {"metric as text", "\x81\xa7metrics\x81\xa1m\xa1x", 14, "\"m\" has no number"},
        {"metric without value", "\x81\xa7metrics\x81\xa1m\x80", 13, "\"m\" has no number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct got g = read_block(bad[i].data, bad[i].size, 1, 1, bad[i].size);
        CHECK(g.rc < 0 && strstr(g.err.text, bad[i].says) && strstr(g.err.text, "record 1, byte"),
              "%s: %s", bad[i].what, g.err.text);
    }
    struct got g = read_block("\x80", 1, 3, 1, 1);
    CHECK(g.rc < 0 && strstr(g.err.text, "newer"), "a newer version: %s", g.err.text);
    g = read_block("\x80", 1, 1, 1, (uint64_t)1 << 60);
    CHECK(g.rc < 0 && strstr(g.err.text, "damaged"), "2^60 bytes claimed: %s", g.err.text);
    g = read_block("\x80", 1, 1, 1, 1000000000);
    CHECK(g.rc < 0 && strstr(g.err.text, "cut off"), "2^30 bytes claimed: %s", g.err.text);
    g = read_block("\x80\x80", 2, 1, 1, 2);
    CHECK(g.rc < 0 && g.records == 1 && strstr(g.err.text, "more than its records"),
          "more records than counted: %s", g.err.text);
    g = read_block("\x80", 1, 1, 2, 2);
    CHECK(g.rc < 0, "fewer bytes than counted: %s", g.err.text);
    g = read_block("\x82\xa1x\x93\x01\x02\xc0\xa1y\xc3", 10, 1, 1, 10);
    CHECK(g.rc == 0 && g.records == 1, "unknown keys are kept: %s", g.err.text);
    g = read_bytes("", 0);
    CHECK(g.rc < 0 && strstr(g.err.text, "empty"), "no bytes at all: %s", g.err.text);
    g = read_bytes("hello, world, this is text", 26);
    CHECK(g.rc < 0 && strstr(g.err.text, "no dstools stream"), "text: %s", g.err.text);
}

/* Unknown keys come out as they went in. */
static void pass_through(void)
{
    static const char in[] = "\x82\xa1x\x93\x01\x02\xc0\xa1y\xc3";
    struct ds_record rec;
    struct ds_error err;
    size_t used;
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    ds_record_init(&rec, &err);
    int rc = ds_record_parse(&rec, space, in, sizeof in - 1, &used, &err);
    CHECK(rc == 0 && used == sizeof in - 1 && ds_record_pack(&rec, &out, &err) == 0 &&
              out.size == used && memcmp(out.data, in, used) == 0,
          "unknown keys pass untouched");
    msgpack_sbuffer_destroy(&out);
    ds_record_free(&rec);
}

/* Random damage under a right checksum must be refused or read, never crash. */
static void damage(void)
{
    struct bytes b = make_stream(false);
    unsigned char records[4096];
    size_t head, size;
    struct ds_error err;
    ds_span(b.data + DS_SYNC_SIZE, b.size - DS_SYNC_SIZE, &head, &err);
    size = 200;
    int read = 0, refused = 0, alike = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        struct ds_random r;
        struct ds_record rec;
        size_t used;
        ds_random_init(&r, 11, i, 0);
        memcpy(records, b.data + DS_SYNC_SIZE + head, size);
        for (int k = 0; k < 3; k++)
            records[ds_random_below(&r, 100)] = (unsigned char)ds_random_u32(&r);
        /* on the heap, so that reading past its end is seen */
        void *exact = malloc(size);
        memcpy(exact, records, size);
        msgpack_sbuffer out;
        msgpack_sbuffer_init(&out);
        ds_record_init(&rec, &err);
        err.text[0] = 0;
        if (ds_record_parse(&rec, space, exact, size, &used, &err) == 0) {
            /* what was read is written so that it reads back as the same */
            msgpack_sbuffer again;
            struct ds_record back;
            msgpack_sbuffer_init(&again);
            ds_record_init(&back, &err);
            read++;
            alike += ds_record_pack(&rec, &out, &err) == 0 &&
                     ds_record_parse(&back, space, out.data, out.size, &used, &err) == 0 &&
                     used == out.size && ds_record_pack(&back, &again, &err) == 0 &&
                     again.size == out.size && memcmp(again.data, out.data, out.size) == 0;
            ds_record_free(&back);
            msgpack_sbuffer_destroy(&again);
        } else {
            refused += err.text[0] != 0;
        }
        ds_record_free(&rec);
        msgpack_sbuffer_destroy(&out);
        free(exact);
    }
    CHECK(read + refused == 20000 && read > 500 && refused > 5000,
          "20000 damaged records are read (%d) or refused with a reason (%d)", read, refused);
    CHECK(alike == read, "what is read of them is written and read back (%d of %d)", alike, read);
}

/* Random damage anywhere in a block whose checksum is right again. */
static void damaged_blocks(void)
{
    struct bytes b = make_stream(false);
    static struct bytes bad;
    struct ds_error err;
    int read = 0, refused = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        struct ds_random r;
        size_t head;
        ds_random_init(&r, 12, i, 0);
        memcpy(bad.data, b.data, b.size);
        ds_span(b.data + DS_SYNC_SIZE, b.size - DS_SYNC_SIZE, &head, &err);
        for (int k = 0; k < 2; k++)
            bad.data[DS_SYNC_SIZE + ds_random_below(&r, (uint32_t)head + 150)] =
                (unsigned char)ds_random_u32(&r);
        /* the first block has two records; where the next one begins is where they end */
        unsigned char *start = bad.data + DS_SYNC_SIZE,
                      *end = memmem(start, b.size - DS_SYNC_SIZE, ds_sync, DS_SYNC_SIZE);
        if (ds_span(start, (size_t)(end - start), &head, &err) == DS_SPAN_OK && head > 9) {
            uint64_t sum =
                ds_block_checksum(start, head - 9, start + head, (size_t)(end - start) - head);
            for (size_t k = 0; k < 8; k++)
                start[head - 8 + k] = (unsigned char)(sum >> (56 - 8 * k));
        }
        /* its end mark counts another checksum, which is not the point here */
        struct got g = read_data(bad.data, b.size, true);
        read += g.rc == 0;
        refused += g.rc < 0 && times(g.err.text, ", byte ") == 1;
    }
    CHECK(read + refused == 4000 && read > 50 && refused > 1000,
          "4000 damaged blocks are read (%d) or refused with their place (%d)", read, refused);
}

static void empty_stream(void)
{
    struct ds_error err;
    int fd = memfd_create("stream", 0);
    struct ds_writer *w = ds_writer_open(fd, false, &err);
    ds_writer_begin(w, space, NULL, 0, NULL, &err);
    ds_writer_close(w, &err);
    lseek(fd, 0, SEEK_SET);
    struct got g = read_fd(fd);
    CHECK(g.rc == 0 && g.records == 0 && g.blocks == 1, "a stream without records is a block");
    close(fd);
    w = ds_writer_open(open("/dev/full", O_WRONLY), false, &err);
    ds_writer_begin(w, space, NULL, 0, NULL, &err);
    CHECK(ds_writer_close(w, &err) < 0 && strstr(err.text, "No space left"), "disk full: %s",
          err.text);
}

int main(void)
{
    struct ds_error err;
    signal(SIGPIPE, SIG_IGN);
    space = ds_space_parse(small_space, strlen(small_space), &err);
    CHECK(space != NULL, "space");
    if (!space)
        return TAP_END();
    struct bytes plain = make_stream(false), packed = make_stream(true);
    round_trip(&plain);
    every_cut(&plain, "plain");
    every_cut(&packed, "compressed");
    end_marks(&plain);
    totals(&plain);
    every_flip(&plain, "plain");
    every_flip(&packed, "compressed");
    hostile();
    pass_through();
    damage();
    damaged_blocks();
    several_spaces();
    empty_stream();
    ds_space_free(space);
    return TAP_END();
}
