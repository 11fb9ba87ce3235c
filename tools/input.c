#include "input.h"

#include "message.h"

static bool reads_piece;

void cli_accept_piece(void)
{
    reads_piece = true;
}

struct ds_reader *cli_reader(char *const *names, int nnames)
{
    struct ds_error err;
    struct ds_reader *in = ds_reader_open(names, nnames, &err);
    if (!in)
        cli_die(CLI_FAILED, "%s", err.text);
    if (reads_piece)
        ds_reader_accept_piece(in);
    return in;
}
