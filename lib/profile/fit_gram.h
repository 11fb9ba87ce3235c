/* Inside fitting: X'X of a design, where X has a row for each architecture. */
#ifndef DS_PROFILE_FIT_GRAM_H
#define DS_PROFILE_FIT_GRAM_H

#include "profile/fit_design.h"

#define DS_GRAM_CHUNK 2048 /* architectures added together */

struct ds_gram {
    const struct ds_design *design;
    double *xx;  /* [columns][columns], the lower triangle, column-major; whole numbers: exact */
    double sign; /* of the architectures waiting */
    int waiting;
    int *column;   /* theirs, one after another */
    size_t *begin; /* [columns + 1] where a column's places begin, below */
    struct ds_gram_place {
        uint32_t at, end; /* in `column`: itself, and where its architecture ends */
    } * place;
    uint32_t end[DS_GRAM_CHUNK];
};

/* All zero. */
int ds_gram_init(struct ds_gram *g, const struct ds_design *d, struct ds_error *err);
void ds_gram_free(struct ds_gram *g);

/* Adds (sign 1) or takes away (-1) an architecture; xx has it after ds_gram_flush. */
void ds_gram_add(struct ds_gram *g, const uint8_t *choice, double sign);
void ds_gram_flush(struct ds_gram *g);

#endif
