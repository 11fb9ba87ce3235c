/* Heat maps as pictures, or as text. */
#include "heatmap.h"

#include <math.h>
#include <string.h>

/* Sizes in points. */
struct layout {
    int cell_w, cell_h, left, top, gap_x, bottom, across, down, panel_w, panel_h, head;
    int width, height;
};

/* How the panels were measured; "" where none says so, NULL where they differ. */
static const char *common_about(const struct heatmap *map)
{
    const char *about = "";
    for (int i = 0; i < map->npanels; i++) {
        const char *said = map->panel[i].about;
        if (*said && *about && strcmp(said, about) != 0)
            return NULL;
        about = *said ? said : about;
    }
    return about;
}

/* The width of a text in points, roughly. */
static int text_width(const char *text)
{
    return 8 * (int)strlen(text);
}

/* The widest of the titles over panels. */
static int title_width(const struct heatmap *map)
{
    char title[512];
    int most = 0;
    for (int i = 0; i < map->npanels; i++) {
        heatmap_title(map, &map->panel[i], title, sizeof title);
        most = text_width(title) > most ? text_width(title) : most;
        if (!common_about(map) && text_width(map->panel[i].about) > most)
            most = text_width(map->panel[i].about);
    }
    return most;
}

static void place_panels(struct layout *l, const struct heatmap *map)
{
    l->panel_w = l->left + heatmap_cols(map) * l->cell_w + l->gap_x;
    l->across = 1000 / l->panel_w < 1 ? 1 : 1000 / l->panel_w;
    l->across = l->across > map->npanels ? map->npanels : l->across;
    l->down = (map->npanels + l->across - 1) / l->across;
    l->across = (map->npanels + l->down - 1) / l->down; /* rows of panels alike in length */
    l->width = l->across * l->panel_w;
}

/* Widens the cells so that `cells` of them, side by side, are at least `width` wide. */
static void widen(struct layout *l, int cells, int width)
{
    int least = (width + cells - 1) / cells;
    l->cell_w = l->cell_w > least ? l->cell_w : least;
}

static struct layout measure(const struct heatmap *map, const char *title)
{
    struct layout l = {.top = 34, .gap_x = 22, .bottom = 44, .head = *title ? 34 : 0};
    if (!common_about(map))
        l.top = 52; /* titles of two lines */
    int label = map->rows < 0 ? 0 : heatmap_longest_label(&map->axis[map->rows]);
    l.cell_h = map->interval ? 44 : 34;
    l.cell_w = 8 * heatmap_longest_label(&map->axis[map->cols]) + 14;
    l.left = 34 + 8 * label;
    widen(&l, 1, 74);
    widen(&l, heatmap_cols(map), title_width(map));
    place_panels(&l, map);
    if (text_width(title) > l.width) {
        widen(&l, heatmap_cols(map) * l.across, text_width(title));
        place_panels(&l, map);
    }
    l.panel_h = l.top + heatmap_rows(map) * l.cell_h + l.bottom;
    l.height = l.head + l.down * l.panel_h;
    return l;
}

static void draw_labels(FILE *g, const struct heatmap *map, const struct panel *p, int r, int c)
{
    char text[64], more[80] = "";
    int rgb[3], at = r * heatmap_cols(map) + c;
    heatmap_cell_text(p, p->value[at], text, sizeof text);
    if (map->interval && !isnan(p->half[at]))
        snprintf(more, sizeof more, "\\n±%.*f", heatmap_decimals(p), p->half[at]);
    plot_colour(heatmap_shade(p, p->value[at]), p->effect, rgb);
    bool dark = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] < 128000;
    fprintf(g,
            "set object rectangle from %g,%g to %g,%g fc rgb '#%02x%02x%02x' fs solid noborder "
            "front\n",
            c - 0.5, r - 0.5, c + 0.5, r + 0.5, rgb[0], rgb[1], rgb[2]);
    fprintf(g, "set label \"%s%s\" at %d,%g center front tc rgb '%s'\n", text, more, c,
            *more ? r - 0.17 : (double)r, dark ? "white" : "black");
}

static void draw_panel(FILE *g, const struct heatmap *map, const struct panel *p,
                       const struct layout *l, int index)
{
    char title[512];
    double x = index % l->across * l->panel_w + l->left;
    double y = l->head + index / l->across * l->panel_h + l->top;
    fprintf(g, "reset\nset lmargin at screen %g\nset rmargin at screen %g\n", x / l->width,
            (x + heatmap_cols(map) * l->cell_w) / l->width);
    fprintf(g, "set tmargin at screen %g\nset bmargin at screen %g\n", 1 - y / l->height,
            1 - (y + heatmap_rows(map) * l->cell_h) / l->height);
    fprintf(g, "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\n", heatmap_cols(map) - 0.5,
            heatmap_rows(map) - 0.5);
    fputs("unset key\nunset colorbox\nset border 0\nset tics scale 0 nomirror\n", g);
    fputs("set xtics (", g);
    for (int c = 0; c < heatmap_cols(map); c++) {
        fputs(c ? ", " : "", g);
        gnuplot_string(g, map->axis[map->cols].label[c].text);
        fprintf(g, " %d", c);
    }
    fputs(") noenhanced offset 0,0.4\nset ytics (", g);
    for (int r = 0; r < heatmap_rows(map); r++) {
        fputs(r ? ", " : "", g);
        gnuplot_string(g, heatmap_row_label(map, r));
        fprintf(g, " %d", r);
    }
    fputs(") noenhanced offset 0.6,0\nset xlabel ", g);
    gnuplot_string(g, map->axis[map->cols].key);
    fputs(" noenhanced offset 0,0.9\n", g);
    if (map->rows >= 0) {
        fputs("set label ", g);
        gnuplot_string(g, map->axis[map->rows].key);
        fprintf(g, " at screen %g, screen %g center rotate noenhanced\n",
                (x - l->left + 14) / l->width,
                1 - (y + heatmap_rows(map) * l->cell_h / 2.0) / l->height);
    }
    heatmap_title(map, p, title, sizeof title);
    fputs("set title ", g);
    gnuplot_string(g, title);
    if (*p->about && !common_about(map)) {
        fputs(".\"\\n\".", g);
        gnuplot_string(g, p->about);
    }
    fputs(" noenhanced offset 0,-0.6\n", g);
    for (int r = 0; r < heatmap_rows(map); r++)
        for (int c = 0; c < heatmap_cols(map); c++)
            if (!isnan(p->value[r * heatmap_cols(map) + c]))
                draw_labels(g, map, p, r, c);
    fputs("plot NaN notitle\n", g);
}

static void draw_map(const struct heatmap *map, const struct plot_options *o)
{
    char title[600] = "";
    const char *about = common_about(map);
    about = about ? about : "";
    snprintf(title, sizeof title, "%s%s%s", o->title ? o->title : "",
             o->title && *about ? ": " : "", about);
    struct layout l = measure(map, title);
    FILE *g = gnuplot_begin(o->output, l.width, l.height);
    fputs("set multiplot\n", g);
    if (*title) {
        fputs("set label 1 ", g);
        gnuplot_string(g, title);
        fprintf(g, " at screen 0.5, screen %g center noenhanced\n", 1 - 18.0 / l.height);
        fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\n"
              "plot NaN notitle\n",
              g);
    }
    for (int i = 0; i < map->npanels; i++)
        draw_panel(g, map, &map->panel[i], &l, i);
    fputs("unset multiplot\n", g);
    gnuplot_end(g, o->output);
}

void plot_heatmap(struct cli *cli, const struct plot_options *options, struct ds_reader *in)
{
    struct heatmap map;
    (void)cli;
    heatmap_read(&map, options, in);
    if (options->output)
        draw_map(&map, options);
    else
        heatmap_print(&map, options->title);
    heatmap_free(&map);
}
