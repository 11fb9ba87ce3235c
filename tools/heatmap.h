/* A heat map of an aggregated stream: a panel for each metric and each value of further keys. */
#ifndef DS_HEATMAP_H
#define DS_HEATMAP_H

#include "plot.h"

#define MOST_KEYS 8

struct label {
    char *text;
    double place; /* sorted by it; NaN: labels stand in order of appearance */
    int number;   /* in order of appearance */
};

/* The values of a key. */
struct axis {
    char *key;
    struct label *label;
    int n;
    size_t room;
};

struct panel {
    char *metric;
    int rest[MOST_KEYS]; /* labels of the keys that are neither rows nor columns */
    bool effect;
    char *about;          /* engine and device, where the metric says */
    int order;            /* of appearance */
    double *value, *half; /* [rows][cols] */
    double low, high;     /* range of the colours, the same in all panels of a metric */
};

struct heatmap {
    const struct ds_space *space;
    struct axis axis[MOST_KEYS];
    int naxes, rows, cols; /* rows: -1 when there is one key */
    struct panel *panel;
    int npanels;
    size_t panel_room;
    bool interval;
};

/* Reads groups and lays them out; dies of records that are none, or that do not fit together. */
void heatmap_read(struct heatmap *map, const struct plot_options *options, struct ds_reader *in);
void heatmap_free(struct heatmap *map);

/* Prints the panels as text, in colour on a terminal. */
void heatmap_print(const struct heatmap *map, const char *title);

/* ---- for those who draw ---- */

int heatmap_rows(const struct heatmap *map);
int heatmap_cols(const struct heatmap *map);
const char *heatmap_row_label(const struct heatmap *map, int row);

/* Characters of the longest label of an axis, 1 at least. */
int heatmap_longest_label(const struct axis *axis);

/* "latency.cpu (ms), effect, resolution 224" */
void heatmap_title(const struct heatmap *map, const struct panel *p, char *out, size_t size);

/* Where a value is on the panel's scale of colours, 0..1. */
double heatmap_shade(const struct panel *p, double value);

/* Decimals that tell the cells of a panel apart, and a cell's value with so many. */
int heatmap_decimals(const struct panel *p);
void heatmap_cell_text(const struct panel *p, double value, char *out, size_t size);

#endif
