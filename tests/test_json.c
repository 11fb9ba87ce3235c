/* JSON as text: what Jansson prints of the same numbers and strings, and reads back. */
#include "stream/json.h"
#include "tap.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 60000

static struct ds_random random_bits;

static uint64_t bits(void)
{
    uint64_t high = ds_random_u32(&random_bits);
    return high << 32 | ds_random_u32(&random_bits);
}

/* printf's %.17g with a point or an exponent without needless zeros. */
static const char *by_printf(double x, char *out)
{
    snprintf(out, 64, "%.17g", x);
    char *power = strchr(out, 'e');
    if (power) {
        int n = atoi(power + 1);
        sprintf(power, "e%d", n);
    } else if (!strchr(out, '.')) {
        strcat(out, ".0");
    }
    return out;
}

/* A number of one of these kinds. */
static double draw(int kind)
{
    uint64_t b = bits();
    double x;
    memcpy(&x, &b, sizeof x);
    switch (kind) {
    case 0: /* any */
        return isfinite(x) ? x : 0;
    case 1: /* subnormal */
        b &= 0x800FFFFFFFFFFFFFu;
        memcpy(&x, &b, sizeof x);
        return x;
    case 2: /* a decimal fraction */
        return (double)((int64_t)b >> 30) / pow(10, (double)(bits() % 12));
    case 3: /* few bits: ties */
        return ldexp((double)(b >> (bits() % 63)), -(int)(bits() % 80));
    default: /* about a power of ten */
        x = pow(10, (double)(bits() % 60) - 30);
        return nextafter(x, b % 3 == 0 ? 0 : b % 3 == 1 ? x : INFINITY);
    }
}

static void numbers(void)
{
    struct ds_json_text t = {0};
    char want[64];
    const double edges[] = {0,    -0.0,     1,        9.5,      1e16,  99999999999999984.0,
                            1e17, 1e-4,     9.99e-5,  1e-11,    9e-12, 5e-324,
                            1e22, 1.5e-300, 1.75e308, 0.1 + 0.2};
    int wrong = 0;
    for (int i = 0; i < (int)(sizeof edges / sizeof *edges) + 5 * DRAWS; i++) {
        int k = i - (int)(sizeof edges / sizeof *edges);
        double x = k < 0 ? edges[i] : draw(k % 5);
        t.size = 0;
        int rc = ds_json_real(&t, x);
        ds_json_put(&t, "", 1);
        if (rc || strcmp(t.text, by_printf(x, want))) {
            wrong++;
            printf("# %a: %s, not %s\n", x, t.text, want);
        }
    }
    CHECK(wrong == 0, "numbers are those of printf");
    t.size = 0;
    ds_json_whole(&t, INT64_MIN);
    DS_JSON_PUT(&t, " ");
    ds_json_whole(&t, INT64_MAX);
    DS_JSON_PUT(&t, " ");
    ds_json_whole(&t, 10);
    ds_json_put(&t, "", 1);
    CHECK(strcmp(t.text, "-9223372036854775808 9223372036854775807 10") == 0, "whole: %s", t.text);
    CHECK(ds_json_real(&t, NAN) && ds_json_real(&t, -INFINITY), "NaN and infinity are refused");
    free(t.text);
}

/* Bytes that make UTF-8 of all lengths, and its mistakes, likely. */
static size_t draw_text(char *out)
{
    static const char *const pieces[] = {"abcdefgh", "x",  "\"",           "\\",
                                         "/",        "\n", "\x1f",         "\x7f",
                                         "\xc3\xa9", "\t", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t n = 0;
    for (uint64_t i = bits() % 6; i > 0; i--) {
        const char *piece = pieces[bits() % (sizeof pieces / sizeof *pieces)];
        memcpy(out + n, piece, strlen(piece));
        n += strlen(piece);
    }
    if (n && bits() % 4 == 0)
        out[bits() % n] = (char)bits();
    if (n && bits() % 16 == 0)
        n -= 1;
    return n;
}

static void strings(void)
{
    int wrong = 0, refused = 0;
    struct ds_json_text t = {0};
    for (int i = 0; i < DRAWS; i++) {
        char text[80];
        size_t n = draw_text(text);
        json_t *json = json_stringn(text, n);
        t.ascii = i % 2;
        t.size = 0;
        int rc = ds_json_string(&t, text, n);
        ds_json_put(&t, "", 1);
        char *want =
            json ? json_dumps(json, JSON_ENCODE_ANY | (t.ascii ? JSON_ENSURE_ASCII : 0)) : NULL;
        wrong += want ? rc || strcmp(want, t.text) : !rc;
        refused += rc != 0;
        free(want);
        json_decref(json);
    }
    t.size = 0;
    CHECK(ds_json_string(&t, NULL, 0) == 0 && t.size == 2, "an empty one may have no address");
    CHECK(wrong == 0, "strings are those of Jansson: %d are not", wrong);
    CHECK(refused > DRAWS / 50 && refused < DRAWS / 2, "what is no UTF-8 is refused (%d)", refused);
    free(t.text);
}

/* A map of n keys, of which key `again` is key 1 once more. */
static void map_of(msgpack_sbuffer *out, int n, int again)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    msgpack_sbuffer_clear(out);
    msgpack_pack_map(&pk, (size_t)n);
    for (int i = 0; i < n; i++) {
        char key[16];
        size_t size = (size_t)sprintf(key, "key%d", i == again ? 1 : i);
        msgpack_pack_str(&pk, size);
        msgpack_pack_str_body(&pk, key, size);
        msgpack_pack_int(&pk, i);
    }
}

static void keys(void)
{
    msgpack_sbuffer packed;
    struct ds_json_text t = {0};
    msgpack_sbuffer_init(&packed);
    for (int n = 3; n < 400; n += 99) {
        for (int again = n; again > 1; again -= again > 20 ? 20 : 1) {
            msgpack_unpacked u;
            struct ds_error err = {.text = ""};
            map_of(&packed, n, again);
            msgpack_unpacked_init(&u);
            msgpack_unpack_next(&u, packed.data, packed.size, NULL);
            t.size = 0;
            int rc = ds_object_json(&t, &u.data, &err);
            bool good = again == n
                            ? rc == 0
                            : rc == -1 && strcmp(err.text, "\"key1\" stands there twice") == 0;
            if (!good || again >= n - 20)
                CHECK(good, "%d keys, one again at %d: %s", n, again, err.text);
            msgpack_unpacked_destroy(&u);
        }
    }
    msgpack_sbuffer_destroy(&packed);
    free(t.text);
}

int main(void)
{
    ds_random_init(&random_bits, 1, 0, 0);
    numbers();
    strings();
    keys();
    return TAP_END();
}
