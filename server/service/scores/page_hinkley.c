#include "service/scores/page_hinkley.h"

bool page_hinkley_note(struct page_hinkley *detector, const struct page_hinkley_rule *rule,
                       double value)
{
    detector->n++;
    detector->mean += (value - detector->mean) / (double)detector->n;
    detector->sum += value - detector->mean - rule->tolerance;
    if (detector->n == 1 || detector->sum < detector->least_sum) {
        detector->least_sum = detector->sum;
    }
    return detector->n >= rule->least && page_hinkley_statistic(detector) > rule->threshold;
}

double page_hinkley_statistic(const struct page_hinkley *detector)
{
    return detector->sum - detector->least_sum;
}
