/* PyTorch's files: both kinds, what is passed over, and what hostile ones are refused for. */
#include "formats/pytorch.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUPERNET "../shared/reference/supernet/"

/* ---- files, made here ---- */

static uint8_t file[1 << 22];
static size_t size;

static void bytes(const void *data, size_t n)
{
    memcpy(file + size, data, n);
    size += n;
}

static void text(const char *s)
{
    bytes(s, strlen(s));
}

static void little(uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        file[size++] = (uint8_t)(v >> 8 * i);
}

static void unicode(const char *s)
{
    text("X");
    little(strlen(s), 4);
    text(s);
}

static void memo(uint32_t i)
{
    text("r");
    little(i, 4);
}

/* A tensor of [rows][2], named by its number; its storage is `type`, e.g. "FloatStorage". */
static void tensor(int i, int rows, const char *type)
{
    char key[20];
    snprintf(key, sizeof key, "%d", i);
    text("ctorch._utils\n_rebuild_tensor_v2\n((");
    unicode("storage");
    text("ctorch\n");
    text(type);
    text("\n");
    unicode(key);
    memo((uint32_t)i + 1);
    unicode("cpu");
    text("J");
    little((uint64_t)rows * 2, 4);
    text("tQK");
    little(0, 1);
    text("J");
    little((uint64_t)rows, 4);
    text("K\002\x86K\002K\001\x86\x89}tR");
}

/* What was saved: n float tensors "t0"... and one of long numbers; nested in `state_dict` or not.
 */
static void state(int n, int rows, bool nested)
{
    text("\x80\002}");
    if (nested) {
        unicode("epoch");
        text("K\003s");
        unicode("state_dict");
    }
    text("ccollections\nOrderedDict\n)R(");
    for (int i = 0; i <= n; i++) {
        char name[20];
        snprintf(name, sizeof name, "t%d", i);
        unicode(name);
        tensor(i, rows, i < n ? "FloatStorage" : "LongStorage");
    }
    text("u}");
    unicode("_metadata");
    text("}sb");
    text(nested ? "s." : ".");
}

static void numbers(int i, int n, int rows)
{
    for (int k = 0; k < 2 * rows; k++) {
        float value = (float)(100 * i + k);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (i < n)
            little(bits, 4);
        else
            little((uint64_t)k, 8);
    }
}

static void legacy(int n, int rows, bool nested)
{
    size = 0;
    text("\x80\002\x8A\012\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    bytes("\x80\002M\xE9\003.", 6);
    text("\x80\002}.");
    state(n, rows, nested);
    text("\x80\002](");
    for (int i = n; i >= 0; i--) {
        char key[20];
        snprintf(key, sizeof key, "%d", i);
        unicode(key);
    }
    text("e.");
    for (int i = n; i >= 0; i--) {
        little((uint64_t)rows * 2, 8);
        numbers(i, n, rows);
    }
}

static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t crc = ~(uint32_t)0;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

struct entry {
    char name[40];
    size_t at, begin, size;
};

/* The header of a member, which says neither sizes nor checksum; an extra field before the data. */
static void begin_member(struct entry *e, const char *name)
{
    snprintf(e->name, sizeof e->name, "%s", name);
    e->at = size;
    bytes("PK\003\004\0\0\010\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    little(strlen(name), 2);
    little(6, 2);
    text(name);
    bytes("FB\002\0ZZ", 6);
    e->begin = size;
}

static void end_member(struct entry *e)
{
    e->size = size - e->begin;
}

static void zip(int n, int rows, bool nested)
{
    struct entry *e = calloc((size_t)n + 2, sizeof *e);
    size = 0;
    begin_member(&e[0], "net/data.pkl");
    state(n, rows, nested);
    end_member(&e[0]);
    for (int i = 0; i <= n; i++) {
        char name[40];
        snprintf(name, sizeof name, "net/data/%d", i);
        begin_member(&e[i + 1], name);
        numbers(i, n, rows);
        end_member(&e[i + 1]);
    }
    size_t directory = size;
    for (int i = 0; i < n + 2; i++) {
        bytes("PK\001\002\0\0\0\0\010\010\0\0\0\0\0\0", 16);
        little(crc_of(file + e[i].begin, e[i].size), 4);
        little(e[i].size, 4);
        little(e[i].size, 4);
        little(strlen(e[i].name), 2);
        bytes("\0\0\0\0\0\0\0\0\0\0\0\0", 12);
        little(e[i].at, 4);
        text(e[i].name);
    }
    size_t end = size;
    bytes("PK\005\006\0\0\0\0", 8);
    little((uint64_t)n + 2, 2);
    little((uint64_t)n + 2, 2);
    little(end - directory, 4);
    little(directory, 4);
    little(0, 2);
    free(e);
}

static struct ds_pytorch *load(struct ds_error *err)
{
    static char path[40];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("test_pytorch", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, file, size, 0) != (ssize_t)size)
        abort();
    *err = (struct ds_error){0};
    return ds_pytorch_load(path, err);
}

/* ---- tests ---- */

static bool right(const struct ds_pytorch *p, int n, int rows)
{
    bool good = p && p->ntensors == n;
    for (int i = 0; good && i < n; i++) {
        char name[20];
        snprintf(name, sizeof name, "t%d", i);
        const struct ds_tensor_f32 *t = ds_pytorch_find(p, name);
        good = t && t == &p->tensor[i] && t->ndims == 2 && t->dim[0] == (size_t)rows &&
               t->dim[1] == 2 && t->count == 2 * (size_t)rows;
        for (int k = 0; good && k < 2 * rows; k++)
            good = t->data[k] == (float)(100 * i + k);
    }
    return good;
}

static void reads(const char *what, int n, int rows)
{
    struct ds_error err;
    struct ds_pytorch *p = load(&err);
    CHECK(right(p, n, rows) && !ds_pytorch_find(p, "t9999") && !ds_pytorch_find(p, ""), "%s: %s",
          what, err.text);
    ds_pytorch_free(p);
}

static void both_kinds(void)
{
    legacy(3, 5, false);
    reads("pickles, then storages in another order", 3, 5);
    legacy(3, 5, true);
    reads("nested in state_dict", 3, 5);
    zip(3, 5, false);
    reads("a zip", 3, 5);
    zip(3, 5, true);
    reads("a zip, nested in state_dict", 3, 5);
    zip(3000, 7, true);
    reads("a zip of 3,000 tensors, and as many numbers in the memo", 3000, 7);
    legacy(3000, 7, false);
    reads("pickles of 3,000 tensors", 3000, 7);
}

static void refuses(const char *why)
{
    struct ds_error err;
    struct ds_pytorch *p = load(&err);
    CHECK(!p && strstr(err.text, why), "refused, %s: %s", why, p ? "not" : err.text);
    ds_pytorch_free(p);
}

/* Puts other bytes of the same length in the place of the first that are found. */
static void replace(const char *from, const char *to, size_t n)
{
    uint8_t *at = memmem(file, size, from, n);
    if (!at)
        abort();
    memcpy(at, to, n);
}

static void hostile(void)
{
    size = 0;
    bytes("c\0\n\n", 4);
    refuses("a zero byte");
    size = 0;
    text("cos\nsystem\nX");
    refuses("'os system'");
    legacy(2, 3, false);
    replace("ctorch._utils\n_rebuild_tensor_v2", "cposix\nsystem\n_rebuild_tensor_v2", 32);
    refuses("'posix system'");
    size = 0;
    text("\x80\002}r\xff\xff\xff\xff.");
    refuses("memo out of range");
    legacy(2, 3, false);
    replace("tQK\0J", "tQK\1J", 5); /* an offset of one: beyond the storage */
    refuses("beyond its storage");
    legacy(2, 3, false);
    size -= 4;
    refuses("is the file cut off");
    legacy(2, 3, false);
    replace("K\002K\001\x86\x89", "K\001K\002\x86\x89", 6);
    refuses("not contiguous");
    legacy(2, 3, false);
    replace("t1", "t0", 2);
    refuses("two tensors are called t0");
    zip(2, 3, false);
    replace("PK\001\002\0\0\0\0\010\010\0", "PK\001\002\0\0\0\0\010\010\010", 11);
    refuses("is compressed");
    zip(2, 3, false);
    replace("PK\003\004\0\0\010\010\0\0", "PK\003\005\0\0\010\010\0\0", 10);
    refuses("no state dict of PyTorch");
    zip(2, 3, false);
    replace("PK\001\002", "PK\001\003", 4);
    refuses("damaged");
    zip(2, 3, false);
    size -= 1;
    refuses("cut off");
    zip(2, 3, false);
    replace("\0\0\x80\x3f", "\0\0\x80\x40", 4); /* 1 becomes 4 */
    refuses("do not have their checksum");
    size = 0;
    text("PK\003\004");
    refuses("cut off");
    zip(0, 3, false);
    refuses("no tensors of float32");
}

/* Neither a crash nor numbers that are not finite, whatever is done to a file. */
static void damaged(void)
{
    static uint8_t whole[1 << 16];
    int loaded = 0, refused = 0;
    bool finite = true;
    uint64_t r = 1;
    for (int round = 0; round < 20000; round++) {
        struct ds_error err;
        if (round % 10000 == 0) {
            if (round)
                zip(4, 3, true);
            else
                legacy(4, 3, true);
            memcpy(whole, file, size);
        }
        size_t before = size;
        for (int k = 0; k < 1 + round % 3; k++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            file[(r >> 33) % size] = (uint8_t)(r >> 20);
        }
        if (round % 4 == 0)
            size = (size_t)(r >> 33) % size;
        struct ds_pytorch *p = load(&err);
        for (int i = 0; p && i < p->ntensors; i++)
            for (size_t k = 0; k < p->tensor[i].count; k++)
                finite = finite && isfinite(p->tensor[i].data[k]);
        loaded += p != NULL;
        refused += !p && err.text[0];
        ds_pytorch_free(p);
        size = before;
        memcpy(file, whole, size);
    }
    CHECK(loaded + refused == 20000 && refused > 10000 && finite,
          "20,000 damaged files: %d refused with a reason", refused);
}

/* Whether the keys, types and shapes of a checkpoint are those listed beside it. */
static bool as_listed(const struct ds_pytorch *p, const char *list)
{
    char line[300], key[200], type[20], shape[60];
    int floats = 0;
    bool good = p != NULL;
    FILE *f = fopen(list, "r");
    while (good && f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%199[^\t]\t%19[^\t]\t%59[^\n]", key, type, shape) != 3)
            return false;
        const struct ds_tensor_f32 *t = ds_pytorch_find(p, key);
        bool real = strstr(type, "float32") != NULL;
        good = !t == !real;
        floats += real;
        char got[60] = "";
        for (int i = 0; good && t && i < t->ndims; i++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%zu", i ? "x" : "", t->dim[i]);
        good = good && (!t || strcmp(got, shape) == 0);
        if (!good)
            printf("# %s: %s, not %s\n", key, got, shape);
    }
    if (f)
        fclose(f);
    return good && f && floats == p->ntensors && floats > 100;
}

static bool equal(const struct ds_pytorch *a, const struct ds_pytorch *b)
{
    bool same = a && b && a->ntensors == b->ntensors;
    for (int i = 0; same && i < a->ntensors; i++) {
        const struct ds_tensor_f32 *x = &a->tensor[i], *y = ds_pytorch_find(b, x->name);
        same =
            y && x->count == y->count && memcmp(x->data, y->data, x->count * sizeof *x->data) == 0;
    }
    return same;
}

static void supernets(void)
{
    static const char *const nets[] = {"mbv3", "proxyless", "resnet50"};
    for (int i = 0; i < 3; i++) {
        char path[200], old[200], keys[200];
        struct ds_error err = {0};
        snprintf(path, sizeof path, SUPERNET "%s.pth", nets[i]);
        snprintf(old, sizeof old, SUPERNET "%s_legacy.pth", nets[i]);
        snprintf(keys, sizeof keys, SUPERNET "%s.keys.txt", nets[i]);
        if (access(path, R_OK)) {
            CHECK(true, "%s # skip no reference data", nets[i]);
            continue;
        }
        struct ds_pytorch *a = ds_pytorch_load(path, &err), *b = ds_pytorch_load(old, &err);
        CHECK(as_listed(a, keys), "%s: every key, type and shape; %d tensors %s", nets[i],
              a ? a->ntensors : 0, err.text);
        CHECK(equal(a, b), "%s: both kinds of file hold the same", nets[i]);
        ds_pytorch_free(a);
        ds_pytorch_free(b);
    }
}

int main(void)
{
    both_kinds();
    hostile();
    damaged();
    supernets();
    return TAP_END();
}
