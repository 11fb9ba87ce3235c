/*
 * Rules about the choices of a design space, as people write them: "unit==0 && expand==3".
 *
 *   rule       := and ( "||" and )*
 *   and        := term ( "&&" term )*
 *   term       := "!" term | "(" rule ")" | value comparison value
 *   comparison := "==" | "!=" | "<" | "<=" | ">" | ">="
 *   value      := variable | number | word | 'text' | "text"
 *
 * Variables with numbers: unit, layer, kernel, expand, depth, width, resolution, value. With text,
 * to be compared by == and != only: block, type (mbconv, bottleneck, skip), site.
 *
 * A choice has only the variables that mean something for it: a depth has no kernel. A comparison
 * with one that it lacks is neither true nor false but unknown (as in SQL, Kleene's logic): so is
 * its opposite, so that "!(kernel==7)" says nothing of depths.
 */
#ifndef DS_SPACE_RULE_H
#define DS_SPACE_RULE_H

#include "space/space.h"

enum ds_truth { DS_FALSE, DS_TRUE, DS_UNKNOWN };

struct ds_rule;

/* NULL and "column N: what is wrong" in `err`. */
struct ds_rule *ds_rule_parse(const char *text, struct ds_error *err);
void ds_rule_free(struct ds_rule *rule);

/* What the rule says of choice `choice` at site `site`. */
enum ds_truth ds_rule_holds(const struct ds_rule *rule, const struct ds_space *space, int site,
                            int choice);

#endif
