/* Draws a stream: on the terminal as text, or as a picture through gnuplot. */
#include "plot.h"

#include <stdlib.h>
#include <string.h>

static const struct plot_kind kinds[] = {
    {"heatmap", plot_heatmap},
    {"front", plot_front},
};

static const struct plot_kind *find_kind(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (cli->noperands && strcmp(cli->operand[0], kinds[i].name) == 0)
            return &kinds[i];
    cli_die(CLI_USAGE, "wants a kind of picture first: heatmap, front");
}

int main(int argc, char **argv)
{
    struct plot_options o = {0};
    const struct cli_option options[] = {
        {"metric", 'm', CLI_LIST, &o.metrics, "M",
         "draw this metric (again for more); all unless given", 0},
        {"rows", 0, CLI_TEXT, &o.rows, "KEY", "the key that makes rows (the first)", 0},
        {"cols", 0, CLI_TEXT, &o.cols, "KEY", "the key that makes columns (the second)", 0},
        {"better", 'b', CLI_LIST, &o.better, "METRIC", "front: the more of it, the better", 0},
        {"worse", 'w', CLI_LIST, &o.worse, "METRIC", "front: the more of it, the worse", 0},
        {"title", 0, CLI_TEXT, &o.title, "TEXT", "a title over all", 0},
        {"interval", 'i', CLI_FLAG, &o.interval, NULL, "half the 95% interval under each number",
         0},
        {0},
    };
    struct cli cli = {
        .name = "ds-plot",
        .usage = "{heatmap | front} [-o FILE.svg | -o FILE.png] [OPTION ...] [FILE ...]",
        .about =
            "Draws an aggregated stream, or fronts: as text, or with -o as a picture (gnuplot).",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    const struct plot_kind *kind = find_kind(&cli);
    struct ds_reader *in = cli_reader(cli.operand + 1, cli.noperands - 1);
    o.output = cli.output;
    kind->draw(&cli, &o, in);
    ds_reader_close(in);
    cli.output = NULL;
    cli_close_text(&cli, stdout);
    return 0;
}
