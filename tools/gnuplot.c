#include "plot.h"

#include "base/file.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
        fputc((unsigned char)*text < ' ' ? ' ' : *text,
              g); /* no picture's text has a control character */
    }
    fputc('\'', g);
}

/* Where gnuplot's standard output goes: a file in memory, so that its name is nobody's. */
static int picture = -1;

FILE *gnuplot_begin(const char *file, int width, int height)
{
    char command[64];
    bool svg = ends_in(file, ".svg");
    if (!svg && !ends_in(file, ".png"))
        cli_die(CLI_USAGE, "--output: %s: a picture's name ends in .svg or .png", file);
    picture = memfd_create("picture", 0);
    snprintf(command, sizeof command, "exec gnuplot -d >/dev/fd/%d", picture);
    FILE *g = picture < 0 ? NULL : popen(command, "w");
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
    fputs("set encoding utf8\nset minussign\n", g);
    return g;
}

/* Whether the picture came to its end: gnuplot tells nobody when it could not write. */
static bool is_whole(const char *data, size_t size, bool svg)
{
    static const char svg_end[] = "</svg>", png_end[] = "IEND\xae\x42\x60\x82";
    const char *end = svg ? svg_end : png_end;
    while (svg && size && isspace((unsigned char)data[size - 1]))
        size--;
    return size >= strlen(end) && memcmp(data + size - strlen(end), end, strlen(end)) == 0;
}

void gnuplot_end(FILE *g, const char *file)
{
    struct ds_error err;
    struct stat st;
    int status = pclose(g);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        cli_die(CLI_FAILED, "gnuplot is not installed: on Debian, apt-get install gnuplot-nox");
    if (status)
        cli_die(CLI_FAILED, "%s: gnuplot failed (its message is above)", file);
    size_t size = fstat(picture, &st) == 0 ? (size_t)st.st_size : 0;
    char *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, picture, 0) : MAP_FAILED;
    if (data == MAP_FAILED || !is_whole(data, size, ends_in(file, ".svg")))
        cli_die(CLI_FAILED, "%s: gnuplot made no whole picture", file);
    if (ds_file_write(file, data, size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    munmap(data, size);
    close(picture);
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
