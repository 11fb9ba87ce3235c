/* Numbers as text: bounds, what is none, and the same in a locale whose point is a comma. */
#include "base/number.h"
#include "space/rule.h"
#include "tap.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void check_numbers(const char *where)
{
    static const struct {
        const char *text, *rest; /* rest NULL: none begins there */
        double value;
    } all[] = {
        {"1.5", "", 1.5},  {"-2e3x", "x", -2000}, {"+.5", "", .5},   {"7.", "", 7},
        {"3,5", ",5", 3},  {"1e", "e", 1},        {"0", "", 0},      {"1e999", NULL, 0},
        {"-nan", NULL, 0}, {"inf", NULL, 0},      {"0x10", NULL, 0}, {"", NULL, 0},
        {".", NULL, 0},    {"-", NULL, 0},        {" 1", NULL, 0},   {"e5", NULL, 0},
        {"1e-400", "", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *end;
        double value = 0;
        int rc = ds_number_begin(all[i].text, &end, &value);
        bool good = all[i].rest ? rc == 0 && value == all[i].value && strcmp(end, all[i].rest) == 0
                                : rc != 0;
        CHECK(good, "%s: '%s' begins with what it should", where, all[i].text);
    }
    char text[32];
    const double x[] = {0.1, 1.0 / 3, 1e22, 5e-324, -1.5, 123456789.125};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        const char *end;
        double back = NAN;
        ds_number_print(text, sizeof text, 0, x[i]);
        CHECK(ds_number_begin(text, &end, &back) == 0 && !*end && back == x[i], "%s: %s reads back",
              where, text);
    }
    CHECK(ds_number_print(text, sizeof text, 3, 0.12345) == 5 && strcmp(text, "0.123") == 0,
          "%s: three digits", where);
}

static void check_bounds(void)
{
    struct ds_error err;
    double x = -1;
    uint64_t n = 77;
    CHECK(ds_number("0.5", 0, 1, &x, &err) == 0 && x == 0.5, "between its bounds");
    CHECK(ds_number("1.5", 0, 1, &x, &err) && strcmp(err.text, "must be 1 or less") == 0, "above");
    CHECK(ds_number("-1", 0, 1, &x, &err) && strcmp(err.text, "must be 0 or more") == 0, "below");
    CHECK(ds_number("1 ", 0, 1, &x, &err) && strcmp(err.text, "'1 ' is not a number") == 0, "rest");
    CHECK(x == 0.5, "what is refused leaves the number as it was");

    CHECK(ds_whole("18446744073709551615", 0, UINT64_MAX, &n, &err) == 0 && n == UINT64_MAX,
          "the largest");
    CHECK(ds_whole("18446744073709551616", 0, UINT64_MAX, &n, &err) &&
              strcmp(err.text, "must be 18446744073709551615 or less") == 0,
          "one more does not wrap");
    CHECK(ds_whole("4294967520", 0, 1000, &n, &err) &&
              strcmp(err.text, "must be 1000 or less") == 0,
          "nor does 224 + 2^32");
    CHECK(ds_whole("3", 4, 9, &n, &err) && strcmp(err.text, "must be 4 or more") == 0, "too small");
    CHECK(ds_whole("-3", 0, 9, &n, &err) && ds_whole("+3", 0, 9, &n, &err) &&
              ds_whole("3.0", 0, 9, &n, &err) && ds_whole("", 0, 9, &n, &err) &&
              strcmp(err.text, "'' is not a whole number") == 0,
          "signs, points and nothing are no whole numbers");
    CHECK(n == UINT64_MAX, "what is refused leaves the number as it was");
}

/* A host program of the library may have set any locale. */
static bool enter_comma_locale(void)
{
    char dir[] = "/tmp/ds-locale-XXXXXX", command[400];
    if (!mkdtemp(dir))
        return false;
    snprintf(command, sizeof command,
             "cd %s && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \"\"\\n"
             "grouping -1\\nEND LC_NUMERIC\\n' >comma && "
             "localedef -c --no-archive -i comma %s/xx_XX >/dev/null 2>&1",
             dir, dir);
    if (system(command) < 0)
        return false;
    setenv("LOCPATH", dir, 1);
    bool entered = setlocale(LC_NUMERIC, "xx_XX") != NULL;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) == 0 && entered;
}

static void check_library(void)
{
    struct ds_error err;
    struct ds_rule *rule = ds_rule_parse("expand==0.25 && kernel<5.5", &err);
    CHECK(rule != NULL, "a rule with points is read");
    ds_rule_free(rule);
    rule = ds_rule_parse("unit==-nan && kernel==3", &err);
    CHECK(!rule && strstr(err.text, "column 7: wants a variable, a number or a name"),
          "a NaN is no number of a rule");
    ds_rule_free(rule);
}

int main(void)
{
    check_numbers("C");
    check_bounds();
    check_library();
    if (enter_comma_locale()) {
        char text[16];
        snprintf(text, sizeof text, "%g", 1.5);
        CHECK(strcmp(text, "1,5") == 0, "the locale's point is a comma");
        check_numbers("comma");
        check_library();
        snprintf(text, sizeof text, "%g", 1.5);
        CHECK(strcmp(text, "1,5") == 0, "the host's locale is left as it was");
    } else {
        printf("ok %d # skip no locale with a comma can be made\n", ++tap_count);
    }
    return TAP_END();
}
