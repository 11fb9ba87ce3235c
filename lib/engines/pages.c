#include "engines/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define CHUNK (16 * HUGE_PAGE)
#define LINE ((size_t)DS_PAGES_ALIGNED)

enum { SIZES = 256 };

/* Before each block; as long as a line, so that the block begins with one. */
union header {
    struct {
        size_t size; /* of the block, without this */
        union header *next;
    };
    char line[LINE];
};

/* Memory from the system, kept until no block is in use. */
struct chunk {
    struct chunk *next;
};

static struct chunk *chunks;
static char *at, *end;             /* what is left of the newest */
static union header *given[SIZES]; /* blocks that were given back, by size modulo SIZES */
static size_t used;                /* blocks that are taken */

static size_t round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

static union header **given_of(size_t size)
{
    return &given[size / LINE % SIZES];
}

/* A chunk with room for a block, aligned to huge pages. */
static int add_chunk(size_t size)
{
    size_t whole = round_up(size + LINE, HUGE_PAGE);
    if (whole < CHUNK)
        whole = CHUNK;
    struct chunk *c = aligned_alloc(HUGE_PAGE, whole);
    if (!c)
        return -1;
    madvise(c, whole, MADV_HUGEPAGE); /* no harm where it is refused */
    *c = (struct chunk){chunks};
    chunks = c;
    at = (char *)c + LINE;
    end = (char *)c + whole;
    return 0;
}

void *ds_pages_take(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = round_up(size + !size, LINE);
    for (union header **h = given_of(size); *h; h = &(*h)->next)
        if ((*h)->size == size) {
            union header *found = *h;
            *h = found->next;
            used++;
            return found + 1;
        }
    if ((size_t)(end - at) < size + LINE && add_chunk(size + LINE))
        return NULL;
    union header *h = (union header *)(void *)at;
    h->size = size;
    at += LINE + size;
    used++;
    return h + 1;
}

static void give_all_back(void)
{
    while (chunks) {
        struct chunk *next = chunks->next;
        free(chunks);
        chunks = next;
    }
    at = end = NULL;
    for (int i = 0; i < SIZES; i++)
        given[i] = NULL;
}

void ds_pages_give(void *data)
{
    if (!data)
        return;
    union header *h = (union header *)data - 1;
    union header **first = given_of(h->size);
    h->next = *first;
    *first = h;
    if (--used == 0)
        give_all_back();
}
