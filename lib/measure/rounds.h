/*
 * Measuring latencies that can be compared. A set of networks is measured together, in rounds:
 * every round visits each unfinished network, in a new random order, so that drift of the machine
 * hits all alike. A visit runs the network a few times untimed, then once or more timed. Runs right
 * after one another are slow or fast together (on a shared machine neighbours had a correlation of
 * 0.5, and some were alike for half a second), and the interval of the median takes them for
 * independent: so one timed run a visit is best.
 *
 * What runs have in common at a time is taken out (common.h), and rounds go on until the 95%
 * interval of a network's median, which holds when measuring ends by its width (looks.h), is narrow
 * enough, or the runs are used up.
 */
#ifndef DS_MEASURE_ROUNDS_H
#define DS_MEASURE_ROUNDS_H

#include "engines/engine.h"

#define DS_LEVEL 0.95 /* of confidence intervals */

struct ds_measure_options {
    double precision; /* width of the centre's interval, as a share of the centre */
    int max_runs;     /* timed runs of one network at most */
    int warmup;       /* untimed runs at the start of a visit */
    int burst;        /* timed runs in a visit */
    bool per_block;   /* time every module too */
    double settle;    /* seconds at most that the device may take to settle (0: does not wait) */
    double sustained; /* seconds of load before the first round */
    int watch;        /* threads whose runs are made again when others disturb them; 0: none are */
    uint64_t seed;    /* of the order */

    double (*now_ms)(void); /* the clock; NULL: that of the machine */
};

/* Where the time went, ms. */
struct ds_spent {
    double warm_up, timed;
    int disturbed; /* runs that were made again */
};

/* One network being measured. */
struct ds_timing {
    struct ds_model *model;
    int nmodules;
    int weight;        /* visits in a round: see ds_timing_init */
    int runs;          /* timed so far */
    int most_runs;     /* weight * options.max_runs */
    double *ms;        /* [runs] as the clock gave them */
    double *module_ms; /* [nmodules][most_runs]; NULL unless per_block */
    double *device_ms; /* [runs] by the device's clock; NULL where it has none */
    double *steady_ms; /* [runs] without what was common to all networks at the time */
    int disturbed;     /* runs that others disturbed, and that were made again */
    double lo, hi;     /* the interval of the last look; NaN before */
    double width;      /* as a share of the centre */
    int next_look;     /* the number of runs at which to look: see looks.h */
    bool converged;
    bool known; /* well enough to be passed on: runs for an interval, or all that were allowed */
};

/* What is known of a network when done; milliseconds of one batch. */
struct ds_latency {
    double centre;   /* of the steady runs: ds_centre (base/stats.h) */
    double lo, hi;   /* its 95% interval; with too few runs, their range */
    double min, p90; /* of the runs as the clock gave them */
};

/*
 * Networks measured in every round, to see the machine drift and to compare sessions by. One says
 * little: it is known no better than those that are measured, and a small one feels neighbours in
 * other ways than a large one. Zero-initialise, set models.
 */
enum { DS_REFERENCES = 3 };
struct ds_reference {
    struct ds_model *model[DS_REFERENCES];
    int rounds;
    double *ms; /* [rounds]: of each round of theirs, the geometric mean of their medians */
    double centre[DS_REFERENCES]; /* of their steady runs, ms; NaN: not known */
    bool settled;                 /* before the first round, where options.settle asks for it */
};

/*
 * Makes room for its runs. A network of weight w is visited w times a round, to w times the runs,
 * and to an interval narrower by the root of w: a base that k others are compared with has its due
 * with the root of k (Dunnett, 1955). Free with ds_timing_free, which leaves the model.
 */
int ds_timing_init(struct ds_timing *t, const struct ds_engine *engine, struct ds_model *model,
                   int nmodules, int weight, const struct ds_measure_options *options,
                   struct ds_error *err);
void ds_timing_free(struct ds_timing *t);

/*
 * Measures timing[n] to the end, and the references along the way (their rounds are added to what
 * there is; NULL: none). The time it took is added to `spent`. Where options.settle is set the
 * largest of them runs untimed first, until the median of a tenth of a second of runs has stayed
 * within 2% for three tenths: the clock of a device rises with its load. With options.sustained it
 * then runs so long: what heats up is slower. Calls advance(arg, share) after every visit: the
 * shares of a network add up to 1. -1 where a network cannot be run, or when the user interrupts
 * (base/interrupt.h): what is known until then is in the timings.
 */
int ds_measure(const struct ds_engine *engine, struct ds_timing *timing, int n,
               struct ds_reference *reference, const struct ds_measure_options *options,
               struct ds_spent *spent, void (*advance)(void *, double), void *arg,
               struct ds_error *err);

/*
 * How much slower the reference was in the later half of its rounds than in the earlier, by the
 * medians of the halves: 0.02 is 2%, negative is faster. NaN below two rounds.
 */
double ds_reference_drift(const struct ds_reference *r);

/*
 * By how much a network among others, what is common taken out, deviates from one process to
 * another beyond what its runs tell: a share of its latency, as found by tests/bench/repeats.py
 * with networks of OFA-MBv3: the root mean square of six series of repeats on a shared machine,
 * from 0.005 in quiet hours to 0.014. Neighbours do not slow all networks alike, and change.
 */
#define DS_BETWEEN 0.009

/* Makes the interval that wide, by squares; the runs of one process cannot show it. */
void ds_latency_widen(struct ds_latency *l, double between);

/* Of a network that is known. Sorts its runs. */
struct ds_latency ds_timing_latency(struct ds_timing *t);

/* Of n runs, made elsewhere, their number planned: their median as centre; sorts them. */
struct ds_latency ds_runs_latency(double *ms, size_t n);

/* The median of device_ms; sorts it. */
double ds_timing_device(struct ds_timing *t);

/* The median of a module when per_block, ms; sorts its runs. */
double ds_timing_module(struct ds_timing *t, int module);

#endif
