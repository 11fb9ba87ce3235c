/* Noise for simulations. */
#ifndef NOISE_H
#define NOISE_H

#include "base/random.h"
#include <math.h>

/* A draw of the standard normal distribution (Box and Muller). */
static inline double noise(struct ds_random *r)
{
    double radius = sqrt(-2 * log(1 - ds_random_unit(r)));
    return radius * cos(2 * M_PI * ds_random_unit(r));
}

#endif
