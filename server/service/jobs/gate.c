#include "service/jobs/gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_BLOCKS = 16 };

static const double WORSE = 1.05;
static const double FORECAST = 0.1; /* of persistence's loss on events that are forecast */

/* ---- figures ---- */

double gate_ratio(double loss, double other)
{
    if (!isfinite(loss)) {
        return INFINITY;
    }
    if (other > 0) {
        return loss / other; /* 0, if the other is infinite */
    }
    return loss > 0 ? INFINITY : 1;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of n values, which are sorted then. */
static double median(double *values, size_t n)
{
    if (n == 0) {
        return NAN;
    }
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 == 1 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
}

/* Mostly what other streams have, too. */
bool gate_is_copy(const struct gru_stream_losses *stream)
{
    return 2 * stream->n_copied > stream->ahead.n;
}

enum { BY_BASE, BY_NAIVE, BASE_BY_NAIVE, N_RATIOS };

/* NULL: the stream does not count. */
static const struct gru_losses *losses_of(const struct gru_stream_losses *stream, bool is_rolled)
{
    const struct gru_losses *losses = is_rolled ? &stream->rolled : &stream->ahead;
    return losses->n > 0 && !gate_is_copy(stream) ? losses : NULL;
}

/* What is judged at once: the losses without what is doubtful, or with it. */
struct sight {
    const struct gru_stream_losses *streams;
    const struct gru_losses *blocks;
    size_t n_streams;
    bool is_of_rolls; /* the blocks are */
};

/* values: [n_streams], scratch. */
static double median_ratio(const struct sight *sight, bool is_rolled, int which, double *values)
{
    size_t n = 0;
    for (size_t k = 0; k < sight->n_streams; k++) {
        const struct gru_losses *losses = losses_of(&sight->streams[k], is_rolled);
        if (losses) {
            values[n++] = gate_ratio(which == BASE_BY_NAIVE ? losses->base : losses->trained,
                                     which == BY_BASE ? losses->base : losses->naive);
        }
    }
    return median(values, n);
}

static struct gate_view view(const struct sight *sight, bool is_rolled, double *values)
{
    struct gate_view view = { 0 };
    for (size_t k = 0; k < sight->n_streams; k++) {
        const struct gru_losses *losses = losses_of(&sight->streams[k], is_rolled);
        view.n_streams += losses != NULL;
        view.n_worse += losses && gate_ratio(losses->trained, losses->base) > WORSE;
    }
    view.by_base = median_ratio(sight, is_rolled, BY_BASE, values);
    view.by_naive = median_ratio(sight, is_rolled, BY_NAIVE, values);
    view.base_by_naive = median_ratio(sight, is_rolled, BASE_BY_NAIVE, values);
    return view;
}

/* ---- chance ---- */

/* A block's gain as a share of what its stream loses with the base version. */
static double block_gain(const struct gru_losses *block, const struct gru_losses *stream)
{
    double base = block->base / (double)block->n, trained = block->trained / (double)block->n;
    double all = stream->base / (double)stream->n;
    if (!isfinite(trained)) {
        return -1;
    }
    return all > 0 ? (base - trained) / all : -(double)(trained > 0);
}

/* The share of all 2^n signs whose sum is at least that of the gains as they are. Each pattern
 * follows from the one before it by one sign (F. Gray, 1953). */
static double test_all_signs(const double *gains, size_t n)
{
    double sum = 0, size = 0;
    for (size_t k = 0; k < n; k++) {
        sum += gains[k];
        size += fabs(gains[k]);
    }
    const double seen = sum - 1e-9 * size; /* whatever rounding did */
    size_t n_patterns = (size_t)1 << n, n_as_good = 0;
    double signs[EXACT_BLOCKS];
    for (size_t k = 0; k < n; k++) {
        signs[k] = 1;
    }
    for (size_t pattern = 0; pattern < n_patterns; pattern++) {
        n_as_good += sum >= seen;
        if (pattern + 1 < n_patterns) {
            size_t k = (size_t)__builtin_ctzl(pattern + 1);
            sum -= 2 * signs[k] * gains[k];
            signs[k] = -signs[k];
        }
    }
    return (double)n_as_good / (double)n_patterns;
}

static double test_normal(const double *gains, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++) {
        sum += gains[k];
        squares += gains[k] * gains[k];
    }
    return squares > 0 ? 0.5 * erfc(sum / sqrt(2 * squares)) : 1;
}

/* gains: [n_blocks], scratch. */
static double test_chance(const struct sight *sight, double *gains, size_t *ret_n)
{
    size_t n = 0;
    for (size_t k = 0; k < sight->n_streams; k++) {
        const struct gru_stream_losses *stream = &sight->streams[k];
        for (size_t b = 0; b < stream->n_blocks && !gate_is_copy(stream); b++) {
            const struct gru_losses *block = &sight->blocks[stream->first_block + b];
            if (block->n > 0) {
                gains[n++] =
                    block_gain(block, sight->is_of_rolls ? &stream->rolled : &stream->ahead);
            }
        }
    }
    *ret_n = n;
    return n <= EXACT_BLOCKS ? test_all_signs(gains, n) : test_normal(gains, n);
}

static size_t find_unfound(const struct gru_comparison_result *comparison)
{
    for (size_t c = 0; c < comparison->n_classes; c++) {
        const struct gru_class_counts *counts = &comparison->classes[c];
        if (counts->n >= GATE_CLASS_TARGETS && counts->n_found == 0) {
            return c;
        }
    }
    return SIZE_MAX;
}

/* values: [n_streams + n_blocks], scratch. */
static struct gate_figures measure(const struct sight *sight, double *values)
{
    struct gate_figures figures = { .ahead = view(sight, false, values),
                                    .rolled = view(sight, true, values) };
    for (size_t k = 0; k < sight->n_streams; k++) {
        const struct gru_stream_losses *stream = &sight->streams[k];
        const size_t n = gate_is_copy(stream) ? stream->ahead.n : stream->n_repeated;
        figures.n_targets += stream->ahead.n - n;
        figures.n_repeated += n;
    }
    figures.p = test_chance(sight, values, &figures.n_blocks);
    return figures;
}

/* Nobody can forecast when a sensor fails. What one of the versions forecasts is no code. */
static bool are_events(const struct gru_comparison_result *comparison)
{
    const struct gru_losses *doubtful = &comparison->doubtful;
    return doubtful->n >= GATE_CLASS_TARGETS &&
           fmin(doubtful->trained, doubtful->base) < FORECAST * doubtful->naive;
}

bool gate_measure(const struct gru_comparison_result *comparison,
                  struct gate_measures *ret_measures)
{
    const struct sight sure = { comparison->streams, comparison->blocks, comparison->n_streams,
                                comparison->is_of_rolls },
                       all = { comparison->doubtful_streams, comparison->doubtful_blocks,
                               comparison->n_streams, comparison->is_of_rolls };
    size_t n = comparison->n_streams + comparison->n_blocks;
    double *values = calloc(n > 0 ? n : 1, sizeof *values);
    if (!values) {
        return false;
    }
    const bool is_sure = comparison->n_doubtful == 0 || !are_events(comparison);
    *ret_measures = (struct gate_measures){ .sure = measure(is_sure ? &sure : &all, values),
                                            .unfound = find_unfound(comparison),
                                            .n_doubtful = is_sure ? comparison->n_doubtful : 0 };
    if (ret_measures->n_doubtful > 0) {
        ret_measures->with_doubts = measure(&all, values);
    }
    free(values);
    return true;
}

/* ---- the verdict ---- */

struct verdict {
    const struct job_gate *gate;
    const struct gru_comparison_result *comparison;
    const struct gate_measures *measures;
    const struct gate_figures *figures; /* those that must gain */
    char *reason;                       /* [JOB_REASON_MAX + 1] */
};

__attribute__((format(printf, 2, 3))) static bool say(const struct verdict *verdict,
                                                      const char *format, ...)
{
    size_t n = strlen(verdict->reason);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->reason + n, JOB_REASON_MAX + 1 - n, format, arguments);
    va_end(arguments);
    return false;
}

static const char *naive_words(const struct verdict *verdict)
{
    return verdict->comparison->n_classes > 0 ? "the classes' frequencies" : "persistence";
}

static bool has_targets(const struct verdict *verdict)
{
    size_t n = verdict->figures->n_targets;
    size_t n_repeated = verdict->figures->n_repeated;
    size_t n_left_out = verdict->comparison->all.n - n - n_repeated;
    if (n >= verdict->gate->min_targets && n > 0) {
        return true;
    }
    say(verdict, "%zu validation targets can be judged, and 'min_targets' is %llu", n,
        (unsigned long long)verdict->gate->min_targets);
    if (n_repeated > 0) {
        say(verdict, " (%zu repeat others)", n_repeated);
    }
    return n_left_out > 0 ? say(verdict, " (%zu are outliers or of constant outputs)", n_left_out)
                          : false;
}

static bool is_finite(const struct verdict *verdict)
{
    const struct gru_losses *all = &verdict->comparison->all;
    return (isfinite(all->trained) && isfinite(all->base)) ||
           say(verdict, "there are no finite validation losses to compare");
}

/* ahead: "" or " rolled out up to 12 rows ahead" */
static bool is_better(const struct verdict *verdict, const struct gate_view *view, double most,
                      const char *ahead)
{
    if (!(view->by_base <= most)) {
        return say(verdict,
                   "its loss%s is %.4g of the base version's (median of %zu streams), and at most "
                   "%.4g is asked for",
                   ahead, view->by_base, view->n_streams, most);
    }
    if (view->n_worse > view->n_streams / 10) {
        return say(verdict,
                   "its loss%s is worse than the base version's by more than 5 %% in %zu of %zu "
                   "streams",
                   ahead, view->n_worse, view->n_streams);
    }
    return true;
}

static bool beats_naive(const struct verdict *verdict, const struct gate_view *view,
                        const char *ahead)
{
    return view->by_naive < 1 ||
           say(verdict, "its loss%s is no better than that of %s", ahead, naive_words(verdict));
}

static bool finds_classes(const struct verdict *verdict)
{
    size_t c = verdict->measures->unfound;
    return c == SIZE_MAX ||
           say(verdict, "it finds 0 of %zu targets of class %zu, as a forecast that never names it",
               verdict->comparison->classes[c].n, c);
}

static bool is_more_than_chance(const struct verdict *verdict)
{
    const struct gate_figures *figures = verdict->figures;
    return figures->p <= 1 - verdict->gate->confidence + 1e-12 ||
           say(verdict,
               "the gain may be chance: p is %.3g over %zu blocks, and 'confidence' %.4g asks for "
               "at most %.3g",
               figures->p, figures->n_blocks, verdict->gate->confidence,
               1 - verdict->gate->confidence);
}

/* A ratio that is not finite, as to a loss of 0, tells nobody anything. */
static void say_naive(const struct verdict *verdict)
{
    const struct gate_view *ahead = &verdict->figures->ahead, *rolled = &verdict->figures->rolled;
    if (ahead->n_streams > 0 && isfinite(ahead->by_naive)) {
        say(verdict, "; of the loss of %s: %.4g (base version %.4g)", naive_words(verdict),
            ahead->by_naive, ahead->base_by_naive);
    }
    if (rolled->n_streams > 0 && isfinite(rolled->by_naive)) {
        say(verdict, ", up to %zu rows ahead %.4g (%.4g)", verdict->comparison->horizon,
            rolled->by_naive, rolled->base_by_naive);
    }
}

static bool has_rolls(const struct verdict *verdict)
{
    return verdict->figures->rolled.n_streams > 0 ||
           say(verdict, "it was trained for roll-outs, and the validation has none to judge");
}

/* What training aims at must be better, and what else is served must not suffer; but who aims at
 * roll-outs takes single rows as they come. */
static bool gains(const struct verdict *verdict)
{
    const struct gate_view *ahead = &verdict->figures->ahead, *rolled = &verdict->figures->rolled;
    const double most = 1 - verdict->gate->min_relative_gain;
    bool must_beat = verdict->gate->must_beat_persistence;
    char far[64];
    snprintf(far, sizeof far, " rolled out up to %zu rows ahead", verdict->comparison->horizon);
    if (verdict->comparison->is_of_rolls) {
        return has_targets(verdict) && is_finite(verdict) && has_rolls(verdict) &&
               is_better(verdict, rolled, most, far) &&
               (!must_beat || beats_naive(verdict, rolled, far)) && is_more_than_chance(verdict);
    }
    return has_targets(verdict) && is_finite(verdict) && is_better(verdict, ahead, most, "") &&
           (rolled->n_streams == 0 || is_better(verdict, rolled, 1, far)) &&
           (!must_beat || beats_naive(verdict, ahead, "")) &&
           (!must_beat || rolled->n_streams == 0 || beats_naive(verdict, rolled, far)) &&
           (!must_beat || finds_classes(verdict)) && is_more_than_chance(verdict);
}

/* The other sight: what may be codes, or events, must not have become worse, nor all else. */
static bool suffers(const struct verdict *verdict, const struct gate_figures *other)
{
    const struct gate_view *views[] = { &other->ahead, &other->rolled };
    for (size_t k = verdict->comparison->is_of_rolls ? 1 : 0; k < 2; k++) {
        const struct gate_view *view = views[k];
        if (view->n_streams > 0 &&
            (!(view->by_base <= 1) || view->n_worse > view->n_streams / 10)) {
            return !say(verdict,
                        "its loss %s %zu targets of doubtful values is %.4g of the base version's, "
                        "and worse by more than 5 %% in %zu of %zu streams",
                        other == &verdict->measures->sure ? "without" : "with",
                        verdict->measures->n_doubtful, view->by_base, view->n_worse,
                        view->n_streams);
        }
    }
    return false;
}

static void begin_reason(struct verdict *verdict, const struct gate_figures *figures)
{
    verdict->figures = figures;
    verdict->reason[0] = '\0';
}

/* Nobody can tell whether doubtful values are codes or events. So either sight may gain, but none
 * may suffer. */
static bool passes(struct verdict *verdict)
{
    const struct gate_measures *measures = verdict->measures;
    begin_reason(verdict, &measures->sure);
    if (gains(verdict)) {
        return measures->n_doubtful == 0 || !suffers(verdict, &measures->with_doubts);
    }
    if (measures->n_doubtful > 0 && measures->sure.n_targets >= verdict->gate->min_targets) {
        begin_reason(verdict, &measures->with_doubts);
        if (gains(verdict)) {
            return !suffers(verdict, &measures->sure);
        }
        begin_reason(verdict, &measures->sure);
        return gains(verdict); /* it does not, for the reason that is said again */
    }
    return false;
}

bool gate_judge(const struct job_gate *gate, const struct gru_comparison_result *comparison,
                const struct gate_measures *measures, char reason[JOB_REASON_MAX + 1])
{
    struct verdict verdict = {
        .gate = gate, .comparison = comparison, .measures = measures, .reason = reason
    };
    bool is_passed = passes(&verdict);
    if (is_passed) {
        const struct gate_figures *figures = verdict.figures;
        const struct gate_view *aimed =
            comparison->is_of_rolls ? &figures->rolled : &figures->ahead;
        say(&verdict, "its loss is %.4g of the base version's (median of %zu streams), p is %.3g",
            aimed->by_base, aimed->n_streams, figures->p);
    }
    say_naive(&verdict);
    return is_passed;
}
