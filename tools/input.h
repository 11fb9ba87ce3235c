/* What a tool reads. */
#ifndef DS_INPUT_H
#define DS_INPUT_H

#include "stream/stream.h"

/* Opens the streams so named, standard input where there are none; dies when it cannot. */
struct ds_reader *cli_reader(char *const *names, int nnames);

/* All readers from here on read pieces of streams (--piece). */
void cli_accept_piece(void);

#endif
