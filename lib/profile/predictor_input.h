/*
 * How accuracy predictors code architectures: each choice sets some of the inputs to 1. Internal to
 * libds; see predictor.h.
 */
#ifndef DS_PROFILE_PREDICTOR_INPUT_H
#define DS_PROFILE_PREDICTOR_INPUT_H

#include "space/space.h"

#define DS_MOST_CODES 2 /* inputs that one choice sets */

struct ds_predictor_input {
    const char *name; /* "OFA-MBv3 w1.2" */
    size_t inputs;

    /* Whether networks of the space are such as the predictor was trained on; else why not. */
    int (*check)(const struct ds_space *space, struct ds_error *err);

    /*
     * Of a space that passed: the inputs that the choice at a site sets, into code[DS_MOST_CODES];
     * how many, -1 where the predictor has no slot for it. A site of no inputs gives 0 for all its
     * choices.
     */
    int (*code)(const struct ds_space *space, const struct ds_site *site, int choice, int *code);
};

extern const struct ds_predictor_input ds_predictor_input_mbv3, ds_predictor_input_resnet50;

/* Place of a value in list[n], or -1. */
int ds_predictor_input_index(const double *list, int n, double value);

#endif
