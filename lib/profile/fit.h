/*
 * Fitting a device profile to measured architectures: ridge regression on one-hot codes of the
 * sites' choices and of pairs of sites, and a small neural network on its residuals. Penalty and
 * family are chosen by cross-validation.
 */
#ifndef DS_PROFILE_FIT_H
#define DS_PROFILE_FIT_H

#include "profile/family.h"
#include "space/arch.h"
#include <jansson.h>

/* Measured architectures: choice[i][...] canonical, y[i] the metric. Zero-initialise. */
struct ds_fit_data {
    const struct ds_space *space;
    size_t n;
    uint8_t (*choice)[DS_MAX_SITES];
    uint64_t *id;
    double *y;
    size_t choice_room, id_room, y_room;
    /* Called along the way with the share of a fit that is done, 0 to 1; may be NULL. */
    void (*progress)(void *arg, double share);
    void *progress_arg;
};

/* Adds an architecture; -1 when out of memory. */
int ds_fit_data_add(struct ds_fit_data *data, const uint8_t *choice, uint64_t id, double y,
                    struct ds_error *err);
void ds_fit_data_free(struct ds_fit_data *data);

/* How well held-out architectures are predicted. */
struct ds_fit_error {
    double mape; /* mean absolute error, percent of the value */
    double rmse; /* in the metric's unit */
    double r2, spearman, kendall;
    int folds; /* that were predicted, of DS_FOLDS */
};

#define DS_FOLDS 5

/*
 * Fits a family: gives the `model` object of a profile (to be released by json_decref) and its
 * cross-validated error. An architecture's id decides in which of the DS_FOLDS folds it is. NULL
 * when there is too little data, a value that is not positive for a logarithm, or no memory.
 */
json_t *ds_fit(const struct ds_fit_data *data, const struct ds_family *family,
               struct ds_fit_error *error, struct ds_error *err);

/*
 * Fits a family without a network to the first `used` architectures and predicts the others:
 * predicted[data->n - used]. *error is by cross-validation among those used. -1 as ds_fit.
 */
int ds_fit_and_predict(const struct ds_fit_data *data, size_t used, const struct ds_family *family,
                       struct ds_fit_error *error, double *predicted, struct ds_error *err);

#endif
