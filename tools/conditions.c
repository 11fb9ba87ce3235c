#include "conditions.h"

#include "base/text.h"
#include "memory.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

void conditions_add(struct conditions *c, const struct ds_record *rec, const char *metric)
{
    const struct ds_metric *m = ds_record_metric(rec, metric);
    if (m && ds_value_conditions_add(&c->values, metric, m->detail, &c->mixture))
        cli_no_memory();
}

void conditions_mixed(const char *mixed, bool of_devices, const char *verb)
{
    if (mixed && of_devices)
        cli_die(CLI_FAILED, "%s: %s them apart, or measure under names of their own (--as)", mixed,
                verb);
    if (mixed)
        cli_warn("%s: %s them apart", mixed, verb);
}

void conditions_end(struct conditions *c, const char *metric, const char *verb)
{
    ds_value_conditions_compare(&c->values, metric, &c->mixture);
    conditions_mixed(c->mixture.text[0] ? c->mixture.text : NULL, c->mixture.of_devices, verb);
}

const char *conditions_text(const struct conditions *c, char *out, size_t size)
{
    out[0] = 0;
    for (int i = 0; i < c->values.n; i++) {
        const struct ds_value_condition *one = &c->values.condition[i];
        size_t at = strlen(out);
        if (one->times == c->values.times)
            snprintf(out + at, size - at, "%s%s %s", at ? ", " : "", one->key, one->text);
    }
    return ds_text_plain(out, strlen(out));
}

void conditions_free(struct conditions *c)
{
    ds_value_conditions_free(&c->values);
}
