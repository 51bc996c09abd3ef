/* figures_rules.h - samples of rules and their webhooks, for the table in figures.c. */
#ifndef FIGURES_RULES_H
#define FIGURES_RULES_H

#include "http/figure.h"

void figures_put_rules(const struct figure_values *values, const struct figure *figure);
void figures_put_rule_sessions(const struct figure_values *values, const struct figure *figure);
void figures_put_rule_sessions_left_out(const struct figure_values *values,
                                        const struct figure *figure);
void figures_put_webhooks(const struct figure_values *values, const struct figure *figure);

#endif
