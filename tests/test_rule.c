/* Rules: what they say of choices, and where they say they are wrong. */
#include "space/rule.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct ds_space *space;

/* What a rule says of the choice written `value` at the site so named; -1: no rule. */
static int holds(const char *rule, const char *site, const char *value)
{
    struct ds_error err;
    struct ds_rule *r = ds_rule_parse(rule, &err);
    int s = ds_space_site(space, site, strlen(site)), result = -2;
    if (!r)
        return -1;
    for (int c = 0; s >= 0 && c < space->site[s].nchoices; c++) {
        char label[200];
        ds_site_print(space, s, c, label, sizeof label);
        if (strcmp(label, value) == 0)
            result = (int)ds_rule_holds(r, space, s, c);
    }
    ds_rule_free(r);
    return result;
}

static void check_holds(void)
{
    static const struct {
        const char *rule, *site, *value;
        enum ds_truth want;
    } cases[] = {
        {"kernel==7", "unit0.layer0", "mbconv3_e3_k7", DS_TRUE},
        {"kernel==7", "unit0.layer0", "mbconv3_e3_k5", DS_FALSE},
        {"kernel==7", "unit0.depth", "2", DS_UNKNOWN},
        {"!(kernel==7)", "unit0.depth", "2", DS_UNKNOWN},
        {"!kernel==7", "unit0.layer0", "mbconv3_e3_k5", DS_TRUE},
        {"7 == kernel", "unit0.layer0", "mbconv3_e3_k7", DS_TRUE},
        {"5 < kernel", "unit0.layer0", "mbconv3_e3_k7", DS_TRUE},
        {"5 >= kernel", "unit0.layer0", "mbconv3_e3_k7", DS_FALSE},
        {"expand<=3.5", "unit0.layer0", "mbconv3_e3_k7", DS_TRUE},
        {"expand != 3", "unit0.layer0", "mbconv3_e3_k7", DS_FALSE},
        {"unit==0 && expand==3", "unit0.layer1", "mbconv3_e3_k7", DS_TRUE},
        {"unit==0 && expand==3", "unit1.layer1", "mbconv3_e3_k7", DS_FALSE},
        {"unit==0 && expand==3", "unit0.depth", "3", DS_UNKNOWN},
        {"unit==1 && expand==3", "unit0.depth", "3", DS_FALSE},
        {"unit==0 || expand==3", "unit0.depth", "3", DS_TRUE},
        {"unit==1 || expand==3", "unit0.depth", "3", DS_UNKNOWN},
        {"block==mbconv3_e4_k5", "unit2.layer3", "mbconv3_e4_k5", DS_TRUE},
        {"'mbconv3_e4_k5' == block", "unit2.layer3", "mbconv3_e4_k5", DS_TRUE},
        {"block != \"mbconv3_e4_k5\"", "unit2.layer3", "mbconv3_e4_k5", DS_FALSE},
        {"type==mbconv", "unit2.layer3", "mbconv3_e4_k5", DS_TRUE},
        {"type==mbconv", "unit2.depth", "2", DS_UNKNOWN},
        {"depth>2", "unit2.depth", "3", DS_TRUE},
        {"layer==2 && unit==1", "unit1.layer2", "mbconv3_e4_k5", DS_TRUE},
        {"layer==unit", "unit1.layer1", "mbconv3_e4_k5", DS_TRUE},
        {"resolution<200", "resolution", "192", DS_TRUE},
        {"resolution<200", "unit0.depth", "2", DS_UNKNOWN},
        {"width==32", "unit0.width", "32", DS_TRUE},
        {"site==unit0.width && value==32", "unit0.width", "32", DS_TRUE},
        {"site==unit1.width", "unit0.width", "32", DS_FALSE},
        {"value==3", "unit1.layer2", "mbconv3_e4_k5", DS_UNKNOWN},
        /* && binds tighter than ||; parentheses; spaces */
        {"unit==1 || unit==0 && layer==3", "unit1.layer0", "mbconv3_e3_k3", DS_TRUE},
        {"(unit==1||unit==0)&&layer==3", "unit1.layer0", "mbconv3_e3_k3", DS_FALSE},
        {"  ! ( unit == 1 && ! layer == 3 ) ", "unit1.layer0", "mbconv3_e3_k3", DS_FALSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int got = holds(cases[i].rule, cases[i].site, cases[i].value);
        CHECK(got == (int)cases[i].want, "%s of %s=%s (%d)", cases[i].rule, cases[i].site,
              cases[i].value, got);
    }
}

static void check_errors(void)
{
    static const struct {
        const char *rule, *begins;
    } cases[] = {
        {"", "column 1: wants a variable"},
        {"kernel", "column 7: wants ==, !=, <, <=, > or >=, not 'the end'"},
        {"kernel=7", "column 7: wants =="},
        {"kernel==", "column 9: wants a variable, a number or a name, not 'the end'"},
        {"kernel==7 expand==3", "column 11: wants && or || before 'expand==3'"},
        {"kernel==7 &&", "column 13: "},
        {"kernel==7 & unit==0", "column 11: "},
        {"(kernel==7", "column 11: wants ) for the ( of column 1"},
        {"kernel==7)", "column 10: "},
        {"kernal==7", "column 1: 'kernal' is no variable"},
        {"7==kernal", "column 4: 'kernal' is no variable"},
        {"3==3", "column 1: compares no variable"},
        {"kernel==big", "column 9: kernel is a number, 'big' is none"},
        {"block==3", "column 8: block is a name"},
        {"block==kernel", "column 8: "},
        {"block<mbconv3_e3_k3", "column 7: block is a name, to be compared by == or !="},
        {"unit==0 && block=='x", "column 19: no closing '"},
        {"unit==0x", "column 7: "},
        {"kernel==7k", "column 9: "},
        {"unit==0 && ;rm", "column 12: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ds_error err = {""};
        struct ds_rule *r = ds_rule_parse(cases[i].rule, &err);
        CHECK(!r && strncmp(err.text, cases[i].begins, strlen(cases[i].begins)) == 0, "'%s': %s",
              cases[i].rule, err.text);
        ds_rule_free(r);
    }

    char deep[3000];
    struct ds_error err;
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    CHECK(!ds_rule_parse(deep, &err) && strstr(err.text, "nested"), "parentheses without end");
    memset(deep, '!', sizeof deep - 1);
    CHECK(!ds_rule_parse(deep, &err) && strstr(err.text, "nested"), "negations without end");
    static char longest[20000] = "unit==0";
    for (int i = 0; i < 1500; i++)
        strcat(longest, "||unit==0");
    CHECK(!ds_rule_parse(longest, &err) && strstr(err.text, "terms"), "terms without end");
}

int main(void)
{
    struct ds_error err;
    space = ds_space_load("ofa-mbv3", &err);
    CHECK(space != NULL, "ofa-mbv3 is there");
    if (!space)
        return TAP_END();
    check_holds();
    check_errors();
    ds_space_free(space);
    return TAP_END();
}
