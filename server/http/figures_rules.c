/* figures_rules.c - see figures_rules.h. */
#include "http/figures_rules.h"

#include "codec/text.h"
#include "service/service.h"

#include <inttypes.h>

void figures_put_rules(const struct figure_values *values, const struct figure *figure)
{
    struct rule_entry *const *entries;
    figure_put_plain(values, figure, rule_list(values->context, NULL, &entries));
}

static void put_state(const struct figure_values *values, const struct figure *figure,
                      const struct rule *rule, const char *state, uint64_t n)
{
    text_print(values->text, "%s{model=\"%s\",rule=\"%s\",state=\"%s\"} %" PRIu64 "\n",
               figure->name, rule->model, rule->name, state, n);
}

void figures_put_rule_sessions(const struct figure_values *values, const struct figure *figure)
{
    struct rule_entry *const *entries;
    const size_t n = rule_list(values->context, NULL, &entries);
    for (size_t k = 0; k < n; k++) {
        put_state(values, figure, &entries[k]->rule, "firing", atomic_load(&entries[k]->n_firing));
        put_state(values, figure, &entries[k]->rule, "pending",
                  atomic_load(&entries[k]->n_pending));
    }
}

void figures_put_rule_sessions_left_out(const struct figure_values *values,
                                        const struct figure *figure)
{
    figure_put_plain(values, figure, rules_figures(values->context).n_left_out);
}

void figures_put_webhooks(const struct figure_values *values, const struct figure *figure)
{
    const struct rule_figures figures = rules_figures(values->context);
    for (enum rule_post post = 0; post < RULE_N_POSTS; post++) {
        figure_put_labelled(values, figure, "outcome", rule_post_word(post), figures.n_posts[post]);
    }
}
