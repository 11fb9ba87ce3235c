#include "base/text.h"
#include "heatmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_cell(FILE *out, const struct panel *p, int at, int width, bool colour)
{
    char text[64];
    int rgb[3];
    if (isnan(p->value[at])) {
        fprintf(out, " %*s ", width, "");
        return;
    }
    heatmap_cell_text(p, p->value[at], text, sizeof text);
    if (!colour) {
        fprintf(out, " %*s ", width, text);
        return;
    }
    plot_colour(heatmap_shade(p, p->value[at]), p->effect, rgb);
    bool dark = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] < 128000;
    fprintf(out, "\033[48;2;%d;%d;%dm\033[38;5;%dm %*s \033[0m", rgb[0], rgb[1], rgb[2],
            dark ? 231 : 16, width, text);
}

static void print_panel(FILE *out, const struct heatmap *map, const struct panel *p, bool colour)
{
    char title[512], text[64], row_key[256] = "", col_key[256];
    int left = map->rows < 0 ? 0 : heatmap_longest_label(&map->axis[map->rows]);
    if (map->rows >= 0)
        ds_text_plain_copy(row_key, sizeof row_key, map->axis[map->rows].key);
    ds_text_plain_copy(col_key, sizeof col_key, map->axis[map->cols].key);
    left = (int)strlen(row_key) > left ? (int)strlen(row_key) : left;
    int width = heatmap_longest_label(&map->axis[map->cols]);
    for (int i = 0; i < heatmap_rows(map) * heatmap_cols(map); i++)
        if (!isnan(p->value[i])) {
            heatmap_cell_text(p, p->value[i], text, sizeof text);
            width = (int)strlen(text) > width ? (int)strlen(text) : width;
        }
    heatmap_title(map, p, title, sizeof title);
    fprintf(out, "%s%s%s\n", title, *p->about ? "; " : "", p->about);
    fprintf(out, "%*s  %s\n", left, "", col_key);
    fprintf(out, "%*s ", left, row_key);
    for (int c = 0; c < heatmap_cols(map); c++)
        fprintf(out, " %*s ", width, map->axis[map->cols].label[c].text);
    fputc('\n', out);
    for (int r = 0; r < heatmap_rows(map); r++) {
        fprintf(out, "%*s ", left, heatmap_row_label(map, r));
        for (int c = 0; c < heatmap_cols(map); c++)
            print_cell(out, p, r * heatmap_cols(map) + c, width, colour);
        fputc('\n', out);
    }
}

void heatmap_print(const struct heatmap *map, const char *title)
{
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    char plain[512];
    if (title)
        printf("%s\n\n", ds_text_plain_copy(plain, sizeof plain, title));
    for (int i = 0; i < map->npanels; i++) {
        print_panel(stdout, map, &map->panel[i], colour);
        if (i + 1 < map->npanels)
            putchar('\n');
    }
}
