/* Mutation and crossover: always inside the space, each operator, its chances, gaps in depth. */
#include "search/mutate.h"
#include "space/shipped.h"
#include "tap.h"

#include <math.h>
#include <string.h>

/* Bottlenecks with widths, a stem with options, depths with a gap, layers that differ. */
static const char odd[] =
    "{\"dstools_space\": 1, \"name\": \"odd\", \"resolution\": [32, 48],"
    " \"blocks\": [{\"name\": \"a\", \"type\": \"bottleneck\", \"expand\": 0.2, \"kernel\": 3},"
    "  {\"name\": \"b\", \"type\": \"bottleneck\", \"expand\": 0.25, \"kernel\": 3},"
    "  {\"name\": \"c\", \"type\": \"bottleneck\", \"expand\": 0.35, \"kernel\": 3}],"
    " \"stem\": [{\"op\": \"conv\", \"kernel\": 3, \"stride\": 2, \"width\": [8, 16]},"
    "  {\"op\": \"conv\", \"kernel\": 3, \"width\": 8, \"repeat\": [0, 1]}],"
    " \"units\": ["
    "  {\"stride\": 2, \"width\": [16, 24, 32], \"depth\": [1, 4], \"mutate_weight\": 0.5},"
    "  {\"stride\": 2, \"width\": 32, \"depth\": [2, 3],"
    "   \"blocks\": [[\"a\"], [\"a\", \"b\"], [\"b\", \"c\"]]},"
    "  {\"stride\": 2, \"width\": 32, \"depth\": 2, \"blocks\": [\"c\"]}],"
    " \"head\": [{\"op\": \"pool\"}, {\"op\": \"linear\", \"width\": 10}]}";

static struct ds_space *parse(const char *json)
{
    struct ds_error err;
    struct ds_space *s = ds_space_parse(json, strlen(json), &err);
    CHECK(s != NULL, "the space is read%s%s", s ? "" : ": ", s ? "" : err.text);
    return s;
}

/* Units of which anything differs, as bits; above them, stem and head, then the resolution. */
static unsigned changed(const struct ds_space *s, const uint8_t *a, const uint8_t *b)
{
    unsigned bits = 0;
    for (int i = 0; i < s->nsites; i++) {
        int place = s->site[i].unit;
        if (s->site[i].kind == DS_SITE_OPTION)
            place = s->nunits;
        if (s->site[i].kind == DS_SITE_RESOLUTION)
            place = s->nunits + 1;
        bits |= a[i] != b[i] ? 1u << place : 0;
    }
    return bits;
}

static int count_bits(unsigned bits)
{
    return __builtin_popcount(bits);
}

/* Follows random walks; every step must be canonical and mutate something. */
static void check_inside(const struct ds_space *s)
{
    struct ds_error err;
    int outside = 0, untouched = 0;
    unsigned ever = 0;
    for (uint64_t walk = 0; walk < 20; walk++) {
        struct ds_random r;
        uint8_t choice[DS_MAX_SITES], before[DS_MAX_SITES], canonical[DS_MAX_SITES];
        size_t n = (size_t)s->nsites;
        ds_random_init(&r, 7, walk, 0);
        ds_arch_sample(s, &r, choice);
        for (int step = 0; step < 300; step++) {
            memcpy(before, choice, n);
            if (ds_mutate(s, choice, 0.5, &r))
                outside++;
            memcpy(canonical, choice, n);
            outside += ds_arch_canon(s, canonical, &err) || memcmp(canonical, choice, n);
            unsigned bits = changed(s, before, choice);
            ever |= bits;
            untouched += bits == 0;
        }
    }
    CHECK(outside == 0, "%s: 6000 mutations stay inside, canonical", s->name);
    /* an added layer may be like its neighbours: then the depth differs; so all differ */
    CHECK(untouched == 0, "%s: every mutation changes something (%d did not)", s->name, untouched);
    unsigned can = 0;
    for (int i = 0; i < s->nsites; i++)
        if (s->site[i].nchoices > 1)
            can |= s->site[i].unit >= 0                ? 1u << s->site[i].unit
                   : s->site[i].kind == DS_SITE_OPTION ? 1u << s->nunits
                                                       : 1u << (s->nunits + 1);
    CHECK(ever == can, "%s: every place with a choice is mutated, and no other", s->name);
}

/* P(unit u is mutated | at least one is), from the definition, against how often it was. */
static void check_chances(const struct ds_space *s, double rate)
{
    const int n = 40000;
    double p[8], none = 1;
    int places = s->nunits + 2, count[8] = {0}, several = 0;
    for (int u = 0; u < s->nunits; u++)
        p[u] = rate * s->unit[u].mutate_weight;
    p[s->nunits] = 0; /* no options */
    p[s->nunits + 1] = rate * 0.5;
    for (int i = 0; i < places; i++)
        none *= 1 - p[i];
    for (int i = 0; i < n; i++) {
        struct ds_random r;
        uint8_t a[DS_MAX_SITES], b[DS_MAX_SITES];
        ds_random_init(&r, 11, (uint64_t)i, 0);
        ds_arch_sample(s, &r, a);
        memcpy(b, a, (size_t)s->nsites);
        ds_mutate(s, b, rate, &r);
        unsigned bits = changed(s, a, b);
        several += count_bits(bits) > 1;
        for (int k = 0; k < places; k++)
            count[k] += bits >> k & 1;
    }
    for (int k = 0; k < places; k++) {
        double want = p[k] / (1 - none), got = (double)count[k] / n;
        CHECK(fabs(want - got) < 5 * sqrt(want * (1 - want) / n) + 1e-12,
              "rate %g: place %d is mutated in %.4f of the cases, expected %.4f", rate, k, got,
              want);
    }
    CHECK(several > 0, "rate %g: sometimes more than one", rate);
}

static bool is_swap(const uint8_t *a, const uint8_t *b, int n)
{
    int differ = 0;
    for (int i = 0; i < n; i++)
        differ += a[i] != b[i];
    return differ == 1;
}

/* Whether `more` is `less` with one element put in. */
static bool is_insertion(const uint8_t *less, int n, const uint8_t *more)
{
    int i = 0;
    while (i < n && less[i] == more[i])
        i++;
    return memcmp(less + i, more + i + 1, (size_t)(n - i)) == 0;
}

/* In a space whose layers are alike: a unit gains one, loses one or swaps one, in equal parts. */
static void check_operators(const struct ds_space *s)
{
    int added = 0, removed = 0, swapped = 0, other = 0, first = s->unit[1].layer_site;
    int depth_site = s->unit[1].depth_site;
    for (uint64_t i = 0; i < 30000; i++) {
        struct ds_random r;
        uint8_t a[DS_MAX_SITES], b[DS_MAX_SITES];
        ds_random_init(&r, 3, i, 0);
        ds_arch_sample(s, &r, a);
        if (ds_arch_depth(s, a, 1) != 3)
            continue;
        memcpy(b, a, (size_t)s->nsites);
        ds_mutate(s, b, 0.5, &r);
        if (!(changed(s, a, b) >> 1 & 1))
            continue;
        int from = ds_arch_depth(s, a, 1), to = ds_arch_depth(s, b, 1);
        if (to == from + 1 && is_insertion(a + first, from, b + first))
            added++;
        else if (to == from - 1 && is_insertion(b + first, to, a + first))
            removed++;
        else if (to == from && a[depth_site] == b[depth_site] && is_swap(a + first, b + first, 4))
            swapped++;
        else
            other++;
    }
    double n = added + removed + swapped;
    CHECK(other == 0, "a mutated unit gains a layer, loses one, or swaps a block");
    CHECK(n > 3000 && fabs(added / n - 1.0 / 3) < 0.04 && fabs(removed / n - 1.0 / 3) < 0.04,
          "in equal parts: %d, %d, %d", added, removed, swapped);
}

static void check_crossover(const struct ds_space *s)
{
    struct ds_error err;
    int strange = 0, outside = 0, from_mate = 0, sites = 0;
    for (uint64_t i = 0; i < 500; i++) {
        struct ds_random r;
        uint8_t a[DS_MAX_SITES], b[DS_MAX_SITES], c[DS_MAX_SITES];
        ds_random_init(&r, 5, i, 0);
        ds_arch_sample(s, &r, a);
        ds_arch_sample(s, &r, b);
        memcpy(c, a, (size_t)s->nsites);
        ds_cross(s, c, b, &r);
        outside += ds_arch_canon(s, c, &err);
        for (int u = 0; u < s->nunits; u++) {
            bool as_a = !(changed(s, a, c) >> u & 1), as_b = !(changed(s, b, c) >> u & 1);
            strange += !as_a && !as_b;
            if (as_a != as_b) {
                from_mate += as_b;
                sites++;
            }
        }
    }
    CHECK(outside == 0 && strange == 0, "every unit of a cross is one of its parents' units");
    CHECK(fabs((double)from_mate / sites - 0.5) < 0.06, "half of them of the mate");
}

int main(void)
{
    struct ds_error err;
    struct ds_space *ofa = ds_space_load("ofa-mbv3", &err), *strange = parse(odd);
    CHECK(ofa != NULL, "ofa-mbv3 is there");
    if (!ofa || !strange)
        return TAP_END();
    check_inside(ofa);
    check_inside(strange);
    check_chances(ofa, 0.5);
    check_chances(ofa, 0.05);
    check_operators(ofa);
    check_crossover(ofa);
    check_crossover(strange);

    struct ds_space *fixed =
        parse("{\"dstools_space\": 1, \"name\": \"one\", \"resolution\": 32, \"blocks\":"
              " [{\"name\": \"a\", \"type\": \"mbconv\", \"expand\": 3, \"kernel\": 3}],"
              " \"stem\": [], \"units\": [{\"width\": 8, \"depth\": 1}],"
              " \"head\": [{\"op\": \"pool\"}, {\"op\": \"linear\", \"width\": 10}]}");
    struct ds_random r;
    uint8_t choice[DS_MAX_SITES] = {0};
    ds_random_init(&r, 1, 0, 0);
    CHECK(fixed && ds_mutate(fixed, choice, 1, &r) == -1, "a space of one network: nothing to do");
    memset(choice, 0, sizeof choice);
    ds_arch_sample(ofa, &r, choice);
    CHECK(ds_mutate(ofa, choice, 0, &r) == -1, "a rate of 0: nothing to do");
    ds_space_free(fixed);
    ds_space_free(ofa);
    ds_space_free(strange);
    return TAP_END();
}
