#include "fronts.h"

#include "input.h"
#include "relative.h"
#include <string.h>

static void read_front(struct ds_fronts *fronts, const struct ds_objectives *o, char *operand)
{
    struct ds_error err;
    uint64_t failed;
    char *equals = strchr(operand, '=');
    size_t length = equals ? (size_t)(equals - operand) : 0;
    bool labelled = length > 0 && !memchr(operand, '/', length);
    char *file = labelled ? equals + 1 : operand;
    struct ds_reader *in = cli_reader(&file, 1);
    int rc =
        ds_fronts_add(fronts, o, operand, labelled ? length : strlen(operand), in, &failed, &err);
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    ds_reader_close(in);
    cli_warn_failed(failed, file);
    if (rc > 0)
        cli_die(CLI_FAILED, "%s: no records%s", file, failed ? " are left" : "");
}

void fronts_read(struct ds_fronts *fronts, const struct ds_objectives *o, char *const *operands,
                 int n)
{
    *fronts = (struct ds_fronts){.relative = relative_scale()};
    if (n == 0)
        read_front(fronts, o, (char[]){"-"});
    for (int i = 0; i < n; i++)
        read_front(fronts, o, operands[i]);
}
