/* ds-fit --curve: the error of a fit by the number of networks. */
#ifndef DS_CURVE_H
#define DS_CURVE_H

#include "output.h"
#include "profile/fit.h"

struct curve_options {
    bool wanted;
    const char *better, *worse; /* the other objective of the front; NULL both: counted */
    const char *front;          /* a stream of networks near the front */
};

/*
 * The other objective of a record that a model of class `class` is fitted to: less is better. Dies
 * where it has none.
 */
double curve_other(const struct curve_options *o, const char *class, const struct ds_record *rec,
                   const char *where);

/* Whether a record has it: the metric may not have been measured. */
bool curve_has_other(const struct curve_options *o, const struct ds_record *rec);

/*
 * Prints the curve. other[data->n]; the last `nfront` of the data are those near the front, 0:
 * they are chosen among the others.
 */
void curve_print(struct cli *cli, const struct ds_fit_data *data, size_t nfront,
                 const double *other, bool more, const struct ds_family *only);

#endif
