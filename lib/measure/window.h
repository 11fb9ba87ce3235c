/*
 * Live measuring of a stream, alike for every engine: records are taken in windows, each
 * architecture of a window is loaded once and measured together with the others
 * (measure/rounds.h), and the records are written in their order with the metric and how it was
 * got.
 */
#ifndef DS_MEASURE_WINDOW_H
#define DS_MEASURE_WINDOW_H

#include "measure/rounds.h"
#include "network/images.h"
#include "stream/filter.h"

struct ds_window_options {
    const char *metric; /* "latency.cpu" */
    const char *device; /* its name, for the records; NULL: the engine's */
    const char *pin;    /* processors the tool was bound to; NULL: none */
    const struct ds_engine *engine;
    struct ds_engine_options setup;
    struct ds_measure_options measure;
    int size;     /* records measured together */
    bool replace; /* the metric, where it is there already, which else is refused */

    /*
     * Gives the network of an architecture weights (ds_net_give), and it may give images, which
     * then tell the ranges of int8 and the error of a narrow number format; both are read before it
     * is called again. -1 and why. NULL: seeded weights and images.
     */
    int (*give)(void *arg, const struct ds_space *space, const uint8_t *choice, struct ds_net *net,
                struct ds_image_source *images, struct ds_error *err);
    void *give_arg;
    const char *weights; /* what the records call them; NULL: nothing */
    const char *images;  /* what they call its images: "calibration"; NULL: it gives none */

    /* Called along the way with the share of a record that has been measured; may be NULL. */
    void (*advance)(void *arg, double records);
    void *advance_arg;
};

struct ds_window;

/*
 * Opens the engine for records that are read from f->in and written to f->out. Options and filter
 * must outlive it. NULL and why.
 */
struct ds_window *ds_window_open(const struct ds_window_options *options, struct ds_filter *f,
                                 struct ds_error *err);

/*
 * Takes the record that f->in just gave. A window that is full before is measured and written
 * first. -1 where the record's network cannot be loaded, or a failed measurement or write, or when
 * the user interrupts; what is waiting is then measured, or, where measuring failed, what of it is
 * known well enough, and written.
 */
int ds_window_add(struct ds_window *w, struct ds_record *rec, struct ds_error *err);

/* Measures and writes what is waiting; an empty stream becomes an empty block. */
int ds_window_end(struct ds_window *w, struct ds_error *err);

/* How many records were written. */
uint64_t ds_window_written(const struct ds_window *w);

/* How many of them did not reach the precision asked for, and the mean width of their intervals. */
uint64_t ds_window_unsettled(const struct ds_window *w, double *width);

/* Where the time went, ms. */
struct ds_window_spent {
    double load;
    struct ds_spent measure;
    uint64_t networks; /* measured, each once a window */
};
struct ds_window_spent ds_window_spent(const struct ds_window *w);

void ds_window_free(struct ds_window *w);

#endif
