/* What the kinds of pictures of ds-plot share. */
#ifndef DS_PLOT_H
#define DS_PLOT_H

#include "output.h"
#include <stdio.h>

/* Options that any kind may read. */
struct plot_options {
    struct cli_list metrics, better, worse;
    const char *rows, *cols, *title;
    bool interval;
    const char *output; /* FILE.svg or FILE.png; NULL: text on standard output */
};

/* A kind: reads the stream and draws. */
struct plot_kind {
    const char *name;
    void (*draw)(struct cli *cli, const struct plot_options *options, struct ds_reader *in);
};

void plot_heatmap(struct cli *cli, const struct plot_options *options, struct ds_reader *in);
void plot_front(struct cli *cli, const struct plot_options *options, struct ds_reader *in);

/*
 * Starts gnuplot with the terminal that the file's ending asks for, `width` x `height` points.
 * Dies on another ending.
 */
FILE *gnuplot_begin(const char *file, int width, int height);

/* Ends it; dies when gnuplot failed or is not there. */
void gnuplot_end(FILE *g, const char *file);

/* Writes text as a gnuplot string: single quotes, doubled inside. */
void gnuplot_string(FILE *g, const char *text);

/* Red, green and blue (0..255) of a value in 0..1; diverging around 0.5 when `diverging`. */
void plot_colour(double at, bool diverging, int rgb[3]);

#endif
