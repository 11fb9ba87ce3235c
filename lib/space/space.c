#include "space/space.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const act_names[] = {"none", "relu", "relu6", "hswish", "hsigmoid"};

const char *ds_act_name(enum ds_act act)
{
    return act_names[act];
}

void ds_space_free(struct ds_space *space)
{
    if (!space)
        return;
    for (int i = 0; i < space->nsites; i++) {
        free(space->site[i].name);
        free(space->site[i].value);
        free(space->site[i].hash);
    }
    for (int i = 0; i < space->nblocks; i++)
        free(space->block[i].name);
    free(space->block);
    free(space->unit);
    free(space->stem);
    free(space->head);
    free(space->name);
    free(space->json);
    free(space);
}

/* out = the sum over the depths of unit u of the product of its layers' choices */
static void unit_size(const struct ds_space *space, const struct ds_unit *u, mpz_t out)
{
    const struct ds_site *depth = &space->site[u->depth_site];
    mpz_t product;
    mpz_init(product);
    mpz_set_ui(out, 0);
    for (int i = 0; i < depth->nchoices; i++) {
        mpz_set_ui(product, 1);
        for (int l = 0; l < depth->value[i]; l++)
            mpz_mul_ui(product, product, (unsigned)space->site[u->layer_site + l].nchoices);
        mpz_add(out, out, product);
    }
    mpz_clear(product);
}

char *ds_space_size(const struct ds_space *space)
{
    mpz_t size, factor;
    mpz_inits(size, factor, NULL);
    mpz_set_ui(size, 1);
    for (int i = 0; i < space->nsites; i++) {
        enum ds_site_kind kind = space->site[i].kind;
        if (kind != DS_SITE_DEPTH && kind != DS_SITE_BLOCK)
            mpz_mul_ui(size, size, (unsigned)space->site[i].nchoices);
    }
    for (int u = 0; u < space->nunits; u++) {
        unit_size(space, &space->unit[u], factor);
        mpz_mul(size, size, factor);
    }
    char *text = mpz_get_str(NULL, 10, size);
    mpz_clears(size, factor, NULL);
    return text;
}

int ds_space_block(const struct ds_space *space, const char *name, size_t length)
{
    for (int i = 0; i < space->nblocks; i++)
        if (strlen(space->block[i].name) == length && !memcmp(space->block[i].name, name, length))
            return i;
    return -1;
}

int ds_space_site(const struct ds_space *space, const char *name, size_t length)
{
    for (int i = 0; i < space->nsites; i++)
        if (strlen(space->site[i].name) == length && !memcmp(space->site[i].name, name, length))
            return i;
    return -1;
}

int ds_site_choice(const struct ds_site *site, int value)
{
    for (int i = 0; i < site->nchoices; i++)
        if (site->value[i] == value)
            return i;
    return -1;
}

int ds_site_print(const struct ds_space *space, int site, int choice, char *out, size_t size)
{
    const struct ds_site *s = &space->site[site];
    if (s->kind == DS_SITE_BLOCK)
        return snprintf(out, size, "%s", space->block[s->value[choice]].name);
    return snprintf(out, size, "%d", s->value[choice]);
}
