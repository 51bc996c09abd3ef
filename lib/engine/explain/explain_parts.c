/* explain_parts.c - which points of the path are counted: first those of one part, and where that
 * is not enough, those of halves. */
#include "engine/explain/explain.h"
#include "engine/explain/quadrature.h"

#include <math.h>
#include <string.h>

#define SHORTEST (1.0 / 16384) /* part of the path; behind a float's digits it would be noise */

/* A point whose value alone is wanted. */
static void add_end(struct gru_explain *explain, double at)
{
    explain->points[explain->n_points++] =
        (struct explain_point){ .at = at, .part = &explain->parts[0] };
}

/* The points of a part, whose credits begin anew. */
static void add_points(struct gru_explain *explain, size_t k)
{
    struct explain_part *part = &explain->parts[k];
    double points[EXPLAIN_POINTS], weights[EXPLAIN_POINTS];
    gru_quadrature(EXPLAIN_POINTS, points, weights);
    memset(part->inputs, 0, explain->model->info.n_inputs * sizeof *part->inputs);
    for (size_t j = 0; j < EXPLAIN_POINTS; j++) {
        const double length = part->to - part->from;
        explain->points[explain->n_points++] = (struct explain_point){
            .at = part->from + length * points[j], .weight = length * weights[j], .part = part
        };
    }
}

static void begin_count(struct gru_explain *explain)
{
    explain->first = 0;
    gru_explain_begin_window(explain);
}

void gru_explain_begin_path(struct gru_explain *explain)
{
    explain->parts[0].to = 1;
    explain->n_parts = 1;
    explain->n_points = 0;
    add_end(explain, 0);
    add_end(explain, 1);
    add_points(explain, 0);
    begin_count(explain);
}

static void halve(struct gru_explain *explain, size_t k)
{
    struct explain_part *left = &explain->parts[k], *right = &explain->parts[explain->n_parts++];
    right->from = (left->from + left->to) / 2;
    right->to = left->to;
    right->value_to = left->value_to;
    left->to = right->from;
    explain->halved = k;
    explain->n_points = 0;
    add_end(explain, left->to);
    add_points(explain, k);
    add_points(explain, explain->n_parts - 1);
    begin_count(explain);
}

/* F at the ends of what was counted. */
static void take_values(struct gru_explain *explain)
{
    const double first = explain->points[0].value;
    if (explain->n_parts == 1) {
        explain->parts[0].value_from = first;
        explain->parts[0].value_to = explain->points[1].value;
        return;
    }
    explain->parts[explain->halved].value_to = first;
    explain->parts[explain->n_parts - 1].value_from = first;
}

double gru_explain_value(const struct gru_explain *explain, double at)
{
    double value = 0;
    for (size_t k = 0; k < explain->n_parts; k++) {
        const struct explain_part *part = &explain->parts[k];
        value = part->from == at ? part->value_from : part->to == at ? part->value_to : value;
    }
    return value;
}

double gru_explain_sum(const struct gru_explain *explain, const double *inputs)
{
    double sum = 0;
    for (size_t i = 0; i < explain->model->info.n_inputs; i++) {
        sum += inputs[i];
    }
    return sum;
}

/* What the parts leave over in all, and which of them most. */
static double left_over(const struct gru_explain *explain, size_t *ret_worst)
{
    double sum = 0, most = -1;
    for (size_t k = 0; k < explain->n_parts; k++) {
        const struct explain_part *part = &explain->parts[k];
        const double left =
            fabs(part->value_to - part->value_from - gru_explain_sum(explain, part->inputs));
        *ret_worst = left > most ? k : *ret_worst;
        most = fmax(most, left);
        sum += left;
    }
    return sum;
}

enum gru_status gru_explain_judge(struct gru_explain *explain)
{
    size_t worst = 0;
    take_values(explain);
    const double left = left_over(explain, &worst);
    if (!isfinite(left)) {
        return GRU_NON_FINITE;
    }
    const double difference = fabs(gru_explain_value(explain, 1) - gru_explain_value(explain, 0));
    const struct explain_part *part = &explain->parts[worst];
    if (left > fmax(GRU_EXPLAIN_TOLERANCE * difference, explain->least) &&
        explain->n_parts < GRU_EXPLAIN_PARTS_MAX && part->to - part->from > SHORTEST) {
        halve(explain, worst);
        return GRU_OK;
    }
    for (size_t i = 0; i < explain->model->info.n_inputs; i++) {
        explain->inputs[i] = 0;
        for (size_t k = 0; k < explain->n_parts; k++) {
            explain->inputs[i] += explain->parts[k].inputs[i];
        }
    }
    explain->phase = EXPLAIN_DONE;
    return GRU_OK;
}
