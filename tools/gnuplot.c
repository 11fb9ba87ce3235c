#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

void gnuplot_string(FILE *g, const char *text)
{
    fputc('\'', g);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', g);
        fputc(*text == '\n' ? ' ' : *text, g);
    }
    fputc('\'', g);
}

FILE *gnuplot_begin(const char *file, int width, int height)
{
    bool svg = ends_in(file, ".svg");
    if (!svg && !ends_in(file, ".png"))
        cli_die(CLI_USAGE, "--output: %s: a picture's name ends in .svg or .png", file);
    FILE *probe = fopen(file, "w"); /* gnuplot's own message would not name the reason */
    if (!probe || fclose(probe))
        cli_die(CLI_FAILED, "%s: %s", file, strerror(errno));
    FILE *g = popen("exec gnuplot -d", "w");
    if (!g)
        cli_die(CLI_FAILED, "cannot start gnuplot: %s", strerror(errno));
    if (svg)
        fprintf(g, "set terminal svg size %d,%d font 'Helvetica,13' background 'white'\n", width,
                height);
    else
        fprintf(g,
                "set terminal pngcairo size %d,%d font 'Helvetica,10' fontscale 1.9 background "
                "'white'\n",
                2 * width, 2 * height);
    fputs("set output ", g);
    gnuplot_string(g, file);
    fputs("\nset encoding utf8\nset minussign\n", g);
    return g;
}

void gnuplot_end(FILE *g, const char *file)
{
    fputs("unset output\n", g);
    int status = pclose(g);
    if (status)
        remove(file); /* make would take what is left for a picture */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        cli_die(CLI_FAILED, "gnuplot is not installed: on Debian, apt-get install gnuplot-nox");
    if (status)
        cli_die(CLI_FAILED, "%s: gnuplot failed (its message is above)", file);
}

void plot_colour(double at, bool diverging, int rgb[3])
{
    /* viridis (van der Walt and Smith, 2015); RdBu reversed (Brewer) */
    static const int even[][3] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                  {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                  {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};
    static const int apart[][3] = {{33, 102, 172},  {67, 147, 195},  {146, 197, 222},
                                   {209, 229, 240}, {247, 247, 247}, {253, 219, 199},
                                   {244, 165, 130}, {214, 96, 77},   {178, 24, 43}};
    const int(*stops)[3] = diverging ? apart : even;
    at = (at < 0 ? 0 : at > 1 ? 1 : at) * 8;
    int i = at >= 8 ? 7 : (int)at;
    for (int c = 0; c < 3; c++)
        rgb[c] = (int)(stops[i][c] + (at - i) * (stops[i + 1][c] - stops[i][c]) + 0.5);
}
