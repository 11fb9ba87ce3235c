/* Fits to few networks, and the curve of the error by their number, where the truth is known. */
#include "noise.h"
#include "profile/fit.h"
#include "search/curve.h"
#include "space/shipped.h"
#include "space/trait.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { NETWORKS = 400 };

static struct ds_space *space;
static struct ds_error err;

static const struct ds_family *family(const char *name)
{
    const struct ds_family *f = ds_families;
    while (f->name && strcmp(f->name, name))
        f++;
    return f;
}

/* What a layer takes: its unit, kernel and expansion act together, its place in the unit does not.
 */
static double layer_time(int site, int choice)
{
    double kernel = 3, expand = 3, of_unit = 1 + .4 * space->site[site].unit;
    ds_trait(space, site, choice, DS_TRAIT_KERNEL, &kernel);
    ds_trait(space, site, choice, DS_TRAIT_EXPAND, &expand);
    return .2 + of_unit * (.1 * expand + (kernel == 7 ? .5 : .02 * kernel));
}

static double truth(const uint8_t *choice)
{
    double sum = 1, side = ds_arch_resolution(space, choice) / 224.0;
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].kind == DS_SITE_BLOCK && choice[s] != DS_INACTIVE)
            sum += side * side * layer_time(s, choice[s]);
    return sum;
}

/* Adds n random networks, measured with this relative noise; without kernel 7 where so asked. */
static void sample(struct ds_fit_data *data, size_t n, double deviation, bool k7, uint64_t seed)
{
    data->space = space;
    for (size_t i = 0; i < n; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_random r;
        double kernel;
        ds_random_init(&r, seed, i, DS_DRAW_SAMPLE);
        ds_arch_sample(space, &r, choice);
        for (int s = 0; s < space->nsites && !k7; s++)
            if (space->site[s].kind == DS_SITE_BLOCK && choice[s] != DS_INACTIVE &&
                ds_trait(space, s, choice[s], DS_TRAIT_KERNEL, &kernel) && kernel == 7)
                choice[s]--; /* kernels stand in order */
        double y = truth(choice) * (1 + deviation * noise(&r));
        if (ds_fit_data_add(data, choice, ds_arch_id(space, choice), y, &err))
            CHECK(false, "%s", err.text);
    }
}

/* The mean error, in percent of the true value, of what is predicted from the first `used`. */
static double error_of(const struct ds_fit_data *data, size_t used, const char *name)
{
    struct ds_fit_error error;
    double predicted[NETWORKS], sum = 0;
    if (ds_fit_and_predict(data, used, family(name), &error, predicted, &err))
        return NAN;
    for (size_t i = used; i < data->n; i++)
        sum += 100 * fabs(predicted[i - used] / truth(data->choice[i]) - 1);
    return sum / (double)(data->n - used);
}

static void check_few(void)
{
    struct ds_fit_data data = {0};
    sample(&data, NETWORKS, .02, true, 1);
    double cost = error_of(&data, 30, "cost"), shared = error_of(&data, 30, "shared");
    CHECK(cost < 20 && shared < .7 * cost, "30 networks: shared is off by %.2f%%, cost by %.2f%%",
          shared, cost);
    CHECK(isnan(error_of(&data, 30, "additive")), "30 are too few for additive: %s", err.text);
    double more = error_of(&data, 200, "shared"), log = error_of(&data, 200, "shared-log");
    CHECK(more < 1.5 && more < .5 * shared, "200 networks with 2%% noise: off by %.2f%%", more);
    CHECK(log < 4, "the logarithm is a sum nearly (%.2f%%)", log);
    CHECK(isnan(error_of(&data, 200, "additive")), "200 are too few for additive");
    ds_fit_data_free(&data);
}

/* A kernel that no network has is in no table; all else is, though no network may have it there. */
static void check_unseen(void)
{
    static const char *const names[] = {"shared", "shared-log"};
    for (int i = 0; i < 2; i++) {
        struct ds_fit_data data = {0};
        struct ds_fit_error error;
        sample(&data, 30, 0, false, 2);
        json_t *model = ds_fit(&data, family(names[i]), &error, &err);
        const json_t *table = json_object_get(json_object_get(model, "terms"), space->site[4].name);
        CHECK(model && json_object_size(table) == 6 && !json_object_get(table, "mbconv3_e3_k7") &&
                  json_object_get(table, "mbconv3_e6_k5"),
              "%s: of %s six of nine blocks are known", names[i], space->site[4].name);
        json_decref(model);
        ds_fit_data_free(&data);
    }
}

static void check_curve(void)
{
    struct ds_fit_data data = {0};
    struct ds_curve_point at[8];
    double other[NETWORKS];
    int n = 0;
    sample(&data, NETWORKS, .02, true, 3);
    for (size_t i = 0; i < data.n; i++) /* as an accuracy, which grows with what layers take */
        other[i] = -log(truth(data.choice[i]));
    struct ds_curve c = {.data = &data, .other = other};
    for (size_t fitted = ds_curve_next(&c, 0); fitted; fitted = ds_curve_next(&c, fitted))
        if (ds_curve_at(&c, fitted, 1, &at[n], &err) == 0)
            n++;
    CHECK(n == 5 && at[0].fitted == 30 && at[3].fitted == 240 && at[4].fitted == 320,
          "points at 30, 60, 120, 240 and four fifths of all");
    CHECK(at[0].random.n == 370 && at[0].front.n >= 37 && at[0].front.n < 80,
          "370 are held out, of them %zu near the front", at[0].front.n);
    CHECK(strcmp(at[3].often->name, "shared") == 0 && at[3].times >= 8, "%s is chosen %d times",
          at[3].often->name, at[3].times);
    CHECK(at[0].random.mape > at[1].random.mape && at[1].random.mape > at[3].random.mape &&
              at[4].random.mape < 2.2,
          "the error falls: %.2f, %.2f, %.2f, %.2f%% with noise of 1.6%%", at[0].random.mape,
          at[1].random.mape, at[3].random.mape, at[4].random.mape);
    CHECK(at[0].front.bias < -.5 && fabs(at[0].random.bias) < .5 && at[4].front.bias > -.5,
          "what is picked by a model of 30 is slower than predicted (%+.2f%%)", at[0].front.bias);

    c.nfront = 50;
    struct ds_curve_point given;
    CHECK(ds_curve_at(&c, 60, 1, &given, &err) == 0 && given.front.n == 50 && given.random.n == 290,
          "those near the front can be given");
    data.n = 37;
    c.nfront = 0;
    CHECK(ds_curve_next(&c, 0) == 0, "37 networks are too few for a curve");
    ds_fit_data_free(&data);
}

int main(void)
{
    space = ds_space_load("ofa-mbv3", &err);
    if (!space) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    check_few();
    check_unseen();
    check_curve();
    ds_space_free(space);
    return TAP_END();
}
