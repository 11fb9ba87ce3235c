#include "space/rule.h"

#include "base/grow.h"
#include "base/number.h"
#include "space/trait.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 64     /* parentheses and negations in each other */
#define MOST_TERMS 512 /* comparisons and connectives of a rule */

enum variable {
    UNIT = DS_TRAIT_UNIT, /* traits, in their order, up to VALUE */
    LAYER = DS_TRAIT_LAYER,
    KERNEL = DS_TRAIT_KERNEL,
    EXPAND = DS_TRAIT_EXPAND,
    DEPTH = DS_TRAIT_DEPTH,
    WIDTH = DS_TRAIT_WIDTH,
    RESOLUTION = DS_TRAIT_RESOLUTION,
    VALUE,
    BLOCK, /* text from here on */
    TYPE,
    SITE,
    NVARIABLES
};
static const char *const variables[NVARIABLES] = {DS_TRAIT_NAMES, "value", "block", "type", "site"};
static const char *const types[] = {"mbconv", "bottleneck", "skip"};

enum operation { EQUAL, NOT_EQUAL, LESS, AT_MOST, MORE, AT_LEAST, AND, OR, NOT };

/* A term of the rule in postfix order; AND, OR and NOT take the results before them. */
struct term {
    enum operation operation;
    enum variable variable;
    double number;
    char *text; /* NULL: compared with the number, or with `other` */
    enum variable other;
    bool with_other;
};

struct ds_rule {
    int n;
    struct term term[MOST_TERMS];
};

/* ---- parsing ---- */

struct parser {
    const char *text, *at;
    int depth;
    struct ds_rule *rule;
    struct ds_error *err;
};

enum value_kind { NUMBER, WORD, VARIABLE };

struct value {
    enum value_kind kind;
    double number;
    char word[200];
    enum variable variable;
    const char *at;
};

static void skip_spaces(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static int column(const struct parser *p, const char *at)
{
    return (int)(at - p->text) + 1;
}

/* What stands at `at`, for messages. */
static const char *what(const char *at)
{
    return *at ? at : "the end";
}

static bool accept(struct parser *p, const char *token)
{
    skip_spaces(p);
    size_t n = strlen(token);
    if (strncmp(p->at, token, n))
        return false;
    p->at += n;
    return true;
}

static int add_term(struct parser *p, struct term t)
{
    if (p->rule->n == MOST_TERMS) {
        free(t.text);
        return ds_fail(p->err, "column %d: more than %d terms", column(p, p->at), MOST_TERMS);
    }
    p->rule->term[p->rule->n++] = t;
    return 0;
}

static bool is_text(enum variable v)
{
    return v >= BLOCK;
}

static int parse_quoted(struct parser *p, struct value *v)
{
    char quote = *p->at;
    const char *end = strchr(p->at + 1, quote);
    if (!end)
        return ds_fail(p->err, "column %d: no closing %c", column(p, p->at), quote);
    size_t n = (size_t)(end - p->at - 1);
    if (n >= sizeof v->word)
        return ds_fail(p->err, "column %d: too long a text", column(p, p->at));
    memcpy(v->word, p->at + 1, n);
    v->word[n] = 0;
    v->kind = WORD;
    p->at = end + 1;
    return 0;
}

static int parse_word(struct parser *p, struct value *v)
{
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || (p->at[n] && strchr("_.-", p->at[n])))
        n++;
    if (n >= sizeof v->word)
        return ds_fail(p->err, "column %d: too long a word", column(p, p->at));
    memcpy(v->word, p->at, n);
    v->word[n] = 0;
    v->kind = WORD;
    for (int i = 0; i < NVARIABLES; i++)
        if (strcmp(v->word, variables[i]) == 0) {
            v->kind = VARIABLE;
            v->variable = (enum variable)i;
        }
    p->at += n;
    return 0;
}

static int parse_value(struct parser *p, struct value *v)
{
    skip_spaces(p);
    v->at = p->at;
    if (*p->at == '\'' || *p->at == '"')
        return parse_quoted(p, v);
    if (isalpha((unsigned char)*p->at) || *p->at == '_')
        return parse_word(p, v);
    const char *end;
    if (ds_number_begin(p->at, &end, &v->number) || isalnum((unsigned char)*end) || *end == '_')
        return ds_fail(p->err, "column %d: wants a variable, a number or a name, not '%s'",
                       column(p, p->at), what(p->at));
    v->kind = NUMBER;
    p->at = end;
    return 0;
}

static int parse_operation(struct parser *p, enum operation *operation)
{
    static const struct {
        const char *token;
        enum operation operation;
    } all[] = {{"==", EQUAL},    {"!=", NOT_EQUAL}, {"<=", AT_MOST},
               {">=", AT_LEAST}, {"<", LESS},       {">", MORE}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (accept(p, all[i].token)) {
            *operation = all[i].operation;
            return 0;
        }
    return ds_fail(p->err, "column %d: wants ==, !=, <, <=, > or >=, not '%s'", column(p, p->at),
                   what(p->at));
}

/* The same comparison seen from the other side. */
static enum operation turned(enum operation operation)
{
    switch (operation) {
    case LESS:
        return MORE;
    case AT_MOST:
        return AT_LEAST;
    case MORE:
        return LESS;
    case AT_LEAST:
        return AT_MOST;
    default:
        return operation;
    }
}

static int fail_variable(struct parser *p, const struct value *v)
{
    return ds_fail(p->err,
                   "column %d: '%s' is no variable: there are unit, layer, block, type, kernel, "
                   "expand, depth, width, resolution, site, value",
                   column(p, v->at), v->word);
}

static int parse_comparison(struct parser *p)
{
    struct value a, b;
    enum operation operation = EQUAL;
    if (parse_value(p, &a) || parse_operation(p, &operation))
        return -1;
    const char *after = p->at;
    if (parse_value(p, &b))
        return -1;
    if (a.kind != VARIABLE) {
        if (b.kind != VARIABLE && (a.kind == WORD || b.kind == WORD))
            return fail_variable(p, a.kind == WORD ? &a : &b);
        if (b.kind != VARIABLE)
            return ds_fail(p->err, "column %d: compares no variable", column(p, a.at));
        struct value t = a;
        a = b;
        b = t;
        operation = turned(operation);
    }
    bool text = is_text(a.variable);
    if (text && operation != EQUAL && operation != NOT_EQUAL)
        return ds_fail(p->err,
                       "column %d: %s is a name, to be compared by == or !=", column(p, after),
                       variables[a.variable]);
    if (b.kind == WORD && !text)
        return ds_fail(p->err, "column %d: %s is a number, '%s' is none", column(p, b.at),
                       variables[a.variable], b.word);
    if ((b.kind == NUMBER && text) || (b.kind == VARIABLE && is_text(b.variable) != text))
        return ds_fail(p->err, "column %d: %s is a name, to be compared with names",
                       column(p, b.at), variables[text ? a.variable : b.variable]);

    struct term t = {.operation = operation,
                     .variable = a.variable,
                     .number = b.number,
                     .other = b.variable,
                     .with_other = b.kind == VARIABLE};
    if (b.kind == WORD && !(t.text = ds_copy_string(b.word, NULL)))
        return ds_no_memory(p->err);
    return add_term(p, t);
}

static int parse_or(struct parser *p);

static int parse_term(struct parser *p)
{
    int rc;
    if (++p->depth > DEEPEST)
        return ds_fail(p->err, "column %d: nested deeper than %d", column(p, p->at), DEEPEST);
    skip_spaces(p);
    if (p->at[0] == '!' && p->at[1] != '=') {
        p->at++;
        rc = parse_term(p) || add_term(p, (struct term){.operation = NOT});
    } else if (accept(p, "(")) {
        const char *open = p->at - 1;
        rc = parse_or(p);
        if (rc == 0 && !accept(p, ")"))
            rc = ds_fail(p->err, "column %d: wants ) for the ( of column %d, not '%s'",
                         column(p, p->at), column(p, open), what(p->at));
    } else {
        rc = parse_comparison(p);
    }
    p->depth--;
    return rc ? -1 : 0;
}

static int parse_and(struct parser *p)
{
    if (parse_term(p))
        return -1;
    while (accept(p, "&&"))
        if (parse_term(p) || add_term(p, (struct term){.operation = AND}))
            return -1;
    return 0;
}

static int parse_or(struct parser *p)
{
    if (parse_and(p))
        return -1;
    while (accept(p, "||"))
        if (parse_and(p) || add_term(p, (struct term){.operation = OR}))
            return -1;
    return 0;
}

struct ds_rule *ds_rule_parse(const char *text, struct ds_error *err)
{
    struct parser p = {.text = text, .at = text, .err = err};
    if (!(p.rule = ds_alloc(1, sizeof *p.rule, NULL))) {
        ds_no_memory(err);
        return NULL;
    }
    int rc = parse_or(&p);
    skip_spaces(&p);
    if (rc == 0 && *p.at)
        rc = ds_fail(err, "column %d: wants && or || before '%s'", column(&p, p.at), p.at);
    if (rc == 0)
        return p.rule;
    ds_rule_free(p.rule);
    return NULL;
}

void ds_rule_free(struct ds_rule *rule)
{
    for (int i = 0; rule && i < rule->n; i++)
        free(rule->term[i].text);
    free(rule);
}

/* ---- holding ---- */

/* A number that the choice has; false when it has none. */
static bool number_of(const struct ds_space *space, int site, int choice, enum variable v,
                      double *out)
{
    if (v < VALUE)
        return ds_trait(space, site, choice, (enum ds_trait)v, out);
    *out = space->site[site].value[choice]; /* VALUE; names have no number */
    return space->site[site].kind != DS_SITE_BLOCK;
}

/* A name that the choice has, or NULL. */
static const char *text_of(const struct ds_space *space, int site, int choice, enum variable v)
{
    const struct ds_site *s = &space->site[site];
    if (v == SITE)
        return s->name;
    if (s->kind != DS_SITE_BLOCK)
        return NULL;
    const struct ds_block *b = &space->block[s->value[choice]];
    return v == BLOCK ? b->name : types[b->type];
}

/* Whether a and b, of which order < 0, 0 or > 0 is known, compare so. */
static bool compares(enum operation operation, int order)
{
    switch (operation) {
    case EQUAL:
        return order == 0;
    case NOT_EQUAL:
        return order != 0;
    case LESS:
        return order < 0;
    case AT_MOST:
        return order <= 0;
    case MORE:
        return order > 0;
    default:
        return order >= 0;
    }
}

static enum ds_truth compare(const struct term *t, const struct ds_space *space, int site,
                             int choice)
{
    int order;
    if (is_text(t->variable)) {
        const char *a = text_of(space, site, choice, t->variable);
        const char *b = t->with_other ? text_of(space, site, choice, t->other) : t->text;
        if (!a || !b)
            return DS_UNKNOWN;
        order = strcmp(a, b);
    } else {
        double a, b = t->number;
        if (!number_of(space, site, choice, t->variable, &a) ||
            (t->with_other && !number_of(space, site, choice, t->other, &b)))
            return DS_UNKNOWN;
        order = (a > b) - (a < b);
    }
    return compares(t->operation, order) ? DS_TRUE : DS_FALSE;
}

enum ds_truth ds_rule_holds(const struct ds_rule *rule, const struct ds_space *space, int site,
                            int choice)
{
    enum ds_truth stack[MOST_TERMS];
    int n = 0;
    for (int i = 0; i < rule->n; i++) {
        const struct term *t = &rule->term[i];
        if (t->operation < AND) {
            stack[n++] = compare(t, space, site, choice);
        } else if (t->operation == NOT) {
            if (stack[n - 1] != DS_UNKNOWN)
                stack[n - 1] = stack[n - 1] == DS_TRUE ? DS_FALSE : DS_TRUE;
        } else {
            enum ds_truth decides = t->operation == AND ? DS_FALSE : DS_TRUE;
            enum ds_truth b = stack[--n], a = stack[n - 1];
            if (a == decides || b == decides)
                stack[n - 1] = decides;
            else
                stack[n - 1] = a == DS_UNKNOWN || b == DS_UNKNOWN ? DS_UNKNOWN : a;
        }
    }
    return stack[0];
}
