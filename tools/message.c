#include "message.h"
#include "base/text.h"
#include "progress.h"

#include "base/json_memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *tool_name = "dstools";
static bool is_quiet;
static struct ds_writer *writer; /* the stream being written; NULL: none */

void cli_name_tool(const char *name)
{
    tool_name = name;
}

void cli_be_quiet(void)
{
    is_quiet = true;
}

void cli_pass_on(struct ds_writer *w)
{
    writer = w;
}

/* Prints the message in one write, so that the messages of tools in a pipeline do not mix. */
static void say(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    ds_text_plain(text, strlen(text)); /* names and arguments may hold anything */
    fflush(stdout);
    progress_break();
    fprintf(stderr, "%s: %s\n", tool_name, text);
}

void cli_die(int status, const char *format, ...)
{
    struct ds_error second;
    va_list args;
    if (writer)
        ds_writer_flush(writer, &second); /* what came before the fault is passed on */
    if (ds_json_lacked_memory()) {
        cli_say("out of memory"); /* whatever it looked like to who came upon it */
        exit(CLI_FAILED);
    }
    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(status);
}

void cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void cli_warn(const char *format, ...)
{
    if (is_quiet)
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void cli_warn_failed(uint64_t n, const char *file)
{
    if (n)
        cli_warn("%s%sleft out %llu record%s on which a metric could not be measured (ds-show "
                 "--json: errors)",
                 file ? file : "", file ? ": " : "", (unsigned long long)n, n == 1 ? "" : "s");
}

void cli_fail(struct ds_writer *w, const struct ds_error *err)
{
    if (w && ds_writer_broken(w))
        exit(0);
    cli_die(CLI_FAILED, "%s", err->text);
}
