#include "service/jobs/data_warnings.h"

#include "base/digest.h"
#include "service/jobs/training_set.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 16384, /* values that say which can be */
    ROWS_LEAST = 10, /* fewer are constant by chance, and say nothing of a scaling */
    STUCK_ROWS =
        50, /* a value stays for so many rows, and for one in so many of the series' rows; */
    STUCK_SHARE = 10, /* at the end of a series ROWS_LEAST are enough */
    ODD_VALUES = 4,   /* outliers of a column that are named */
    MORE_SIZE = 32,   /* room for "; and 123456 more" */
    PIECE_SIZE = 320,
    DIGITS_LEAST = 6
};

/* A stretch is no chance if so few columns that repeat as often as the rest would have one. */
static const double CHANCE = 1e-6;

/* A column of x, or of posted targets, of all series. */
struct data_column {
    const struct gru_training *training;
    const struct gru_variable *variable;
    const struct gru_variable
        *changes; /* the residual output that forecasts its changes, or NULL */
    bool is_target, has_scaling;
    size_t k, width;
};

/* A value that cannot be a reading. */
struct odd_value {
    double value;
    size_t n, series, row; /* of the first */
    double middle;         /* the median of that series' values */
};

struct column_figures {
    size_t n, n_changes; /* values, and those that follow one, without outliers */
    double middle;       /* the median of all */
    double mean, std;    /* without outliers */
    double change_mean, change_std;
    struct odd_value odd[ODD_VALUES];
    size_t n_odd, n_outliers;
};

struct finding {
    const struct data_column *column;
    double *samples; /* [SAMPLES] */
    struct data_warnings *warnings;
    size_t n[DATA_N_WARNINGS], n_said[DATA_N_WARNINGS];
};

/* ---- values ---- */

static size_t n_series(const struct gru_training *training)
{
    return training->n_series + training->n_validation;
}

static const struct gru_series *series_at(const struct gru_training *training, size_t k)
{
    size_t n = training->n_series;
    return k < n ? &training->series[k] : &training->validation[k - n];
}

static size_t rows_of(const struct data_column *column, const struct gru_series *series)
{
    return !column->is_target ? series->n_rows : series->y ? series->n_targets : 0;
}

static double value_at(const struct data_column *column, const struct gru_series *series, size_t t)
{
    return (column->is_target ? series->y : series->x)[t * column->width + column->k];
}

/* ---- figures of a column ---- */

/* Series and those that continue them. */
struct warned_group {
    size_t begin, end;
};

static struct warned_group group_at(const struct gru_training *training, size_t k)
{
    struct warned_group group = { k, k };
    do {
        group.end++;
    } while (group.end < n_series(training) && series_at(training, group.end)->is_continuation);
    return group;
}

static size_t take_samples(const struct data_column *column, struct warned_group group,
                           double *samples)
{
    size_t n_rows = 0, n = 0, taken = 0, first = 0;
    for (size_t s = group.begin; s < group.end; s++) {
        n_rows += rows_of(column, series_at(column->training, s));
    }
    const size_t step = (n_rows + SAMPLES - 1) / SAMPLES;
    for (size_t s = group.begin; s < group.end; s++) {
        const struct gru_series *series = series_at(column->training, s);
        const size_t rows = rows_of(column, series);
        for (size_t t; rows > 0 && (t = gru_sample_row(taken, step)) < first + rows; taken++) {
            const double value = value_at(column, series, t - first);
            if (!isnan(value)) {
                samples[n++] = value;
            }
        }
        first += rows;
    }
    return n;
}

static void add_odd(struct column_figures *figures, const struct odd_value *odd)
{
    size_t k = 0;
    while (k < figures->n_odd && figures->odd[k].value != odd->value) {
        k++;
    }
    figures->n_outliers++;
    if (k < figures->n_odd) {
        figures->odd[k].n++;
    } else if (k < ODD_VALUES) {
        figures->odd[figures->n_odd++] = *odd;
    }
}

/* Sums, for now. before: NaN if there is none. */
static void add_value(struct column_figures *figures, double value, double before)
{
    const double distance = value - figures->middle, change = value - before;
    figures->n++;
    figures->mean += distance;
    figures->std += distance * distance;
    if (!isnan(change)) {
        figures->n_changes++;
        figures->change_mean += change;
        figures->change_std += change * change;
    }
}

static void add_series(const struct data_column *column, size_t s,
                       const struct gru_plausible *plausible, double middle,
                       struct column_figures *figures)
{
    const struct gru_series *series = series_at(column->training, s);
    double before = NAN;
    for (size_t t = 0; t < rows_of(column, series); t++) {
        const double value = value_at(column, series, t);
        const bool is_plausible = !isnan(value) && gru_is_plausible(plausible, value);
        if (is_plausible) {
            add_value(figures, value, before);
        } else if (!isnan(value)) {
            const struct odd_value odd = { value, 1, s, t, middle };
            add_odd(figures, &odd);
        }
        before = is_plausible ? value : NAN;
    }
}

/* Sums become a mean and a standard deviation. */
static void end_sums(size_t n, double *mean, double *std)
{
    *mean = n > 0 ? *mean / (double)n : 0;
    const double variance = n > 0 ? *std / (double)n - *mean * *mean : 0;
    *std = sqrt(variance > 0 ? variance : 0);
}

/* Each group by itself, as the gate looks at them; those with few values by what all have. False:
 * the column has no values. */
static bool measure(const struct finding *finding, struct column_figures *ret_figures)
{
    const struct data_column *column = finding->column;
    const struct warned_group all = { 0, n_series(column->training) };
    struct column_figures figures = { 0 };
    struct gru_plausible of_all;
    size_t n = take_samples(column, all, finding->samples);
    if (n == 0) {
        return false;
    }
    gru_plausible_find(finding->samples, n, column->variable, &of_all);
    figures.middle = finding->samples[n / 2];
    for (struct warned_group group = { 0, 0 }; group.end < all.end;) {
        struct gru_plausible plausible = of_all;
        double middle = figures.middle;
        group = group_at(column->training, group.end);
        n = take_samples(column, group, finding->samples);
        if (n >= ROWS_LEAST) {
            gru_plausible_find(finding->samples, n, column->variable, &plausible);
            middle = finding->samples[n / 2];
        }
        for (size_t s = group.begin; s < group.end; s++) {
            add_series(column, s, &plausible, middle, &figures);
        }
    }
    end_sums(figures.n, &figures.mean, &figures.std);
    end_sums(figures.n_changes, &figures.change_mean, &figures.change_std);
    figures.mean += figures.middle;
    *ret_figures = figures;
    return true;
}

/* ---- sentences ---- */

static const char *const begins[DATA_N_WARNINGS] = {
    [DATA_SCALING] = "far from the model's scaling, which makes training slow or hopeless (the "
                     "hyper-parameter \"scaling\":\"fit\" takes it from the data; \"fit_robust\", "
                     "where there are outliers): ",
    [DATA_OUTLIERS] = "outliers, which may rule the loss (send null for what was not measured): ",
    [DATA_CONSTANT] = "constant or stuck: ",
    [DATA_COPIES] = "copies, which are no further evidence: ",
};

__attribute__((format(printf, 3, 4))) static void
add(struct finding *finding, enum data_warning kind, const char *format, ...)
{
    char piece[PIECE_SIZE];
    char *text = finding->warnings->texts[kind];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    const char *before = finding->n[kind] == 0 ? begins[kind] : "; ";
    size_t n = strlen(text);
    finding->n[kind]++;
    if (finding->n_said[kind] + 1 == finding->n[kind] &&
        n + strlen(before) + strlen(piece) + MORE_SIZE < JOB_MESSAGE_MAX) {
        snprintf(text + n, JOB_MESSAGE_MAX + 1 - n, "%s%s", before, piece);
        finding->n_said[kind]++;
    }
}

static void add_more(const struct finding *finding)
{
    for (size_t kind = 0; kind < DATA_N_WARNINGS; kind++) {
        if (finding->n[kind] > finding->n_said[kind]) {
            char *text = finding->warnings->texts[kind];
            size_t n = strlen(text);
            snprintf(text + n, JOB_MESSAGE_MAX + 1 - n, "; and %zu more",
                     finding->n[kind] - finding->n_said[kind]);
        }
    }
}

/* "series 3", "validation series 0" */
static const char *series_words(const struct gru_training *training, size_t s, char words[48])
{
    size_t n = training->n_series;
    snprintf(words, 48, "%sseries %zu", s < n ? "" : "validation ", s < n ? s : s - n);
    return words;
}

/* ---- what is found ---- */

/* So many digits of a value tell it from one that is a tenth of `width` off. */
static int digits_of(double value, double width)
{
    const double n = ceil(log10(fabs(value) / width)) + 1; /* not finite without either */
    return n > DIGITS_LEAST && n <= DBL_DIG ? (int)n : DIGITS_LEAST;
}

static void compare_scalings(struct finding *finding, const struct gru_variable *variable,
                             double mean, double std, bool is_of_changes)
{
    const struct gru_scaling scaling = { variable->name, variable->mean, variable->std },
                             data = { variable->name, mean, std };
    if (gru_scaling_is_far(&scaling, &data, is_of_changes)) {
        add(finding, DATA_SCALING,
            "%s'%s' %s mean %.*g and std %.3g in the data, %.*g and %.3g in the model",
            is_of_changes ? "the changes of " : "", variable->name, is_of_changes ? "have" : "has",
            digits_of(mean, std), mean, std, digits_of(variable->mean, variable->std),
            variable->mean, variable->std);
    }
}

static void find_scaling(struct finding *finding, const struct column_figures *figures)
{
    const struct data_column *column = finding->column;
    if (column->has_scaling && figures->n >= ROWS_LEAST) {
        compare_scalings(finding, column->variable, figures->mean, figures->std, false);
    }
    if (column->changes && figures->n_changes >= ROWS_LEAST) {
        compare_scalings(finding, column->changes, figures->change_mean, figures->change_std, true);
    }
}

static int compare_odd(const void *a, const void *b)
{
    const struct odd_value *left = a, *right = b;
    double far_left = fabs(left->value - left->middle);
    double far_right = fabs(right->value - right->middle);
    return (far_left < far_right) - (far_left > far_right);
}

/* The furthest first. */
static void find_outliers(struct finding *finding, struct column_figures *figures)
{
    const struct data_column *column = finding->column;
    const double std = figures->std > 0 ? figures->std : column->variable->std;
    const double n_values = (double)(figures->n + figures->n_outliers);
    size_t n_named = 0;
    char words[48];
    qsort(figures->odd, figures->n_odd, sizeof *figures->odd, compare_odd);
    for (size_t k = 0; k < figures->n_odd; k++) {
        const struct odd_value *odd = &figures->odd[k];
        n_named += odd->n;
        add(finding, DATA_OUTLIERS,
            "%s'%s' is %.6g in row %zu of %s, %.3g standard deviations from the median %.4g (%zu "
            "such values, %.2g %% of the column)",
            column->is_target ? "the target " : "", column->variable->name, odd->value, odd->row,
            series_words(column->training, odd->series, words),
            fabs(odd->value - odd->middle) / std, odd->middle, odd->n,
            100 * (double)odd->n / n_values);
    }
    if (figures->n_outliers > n_named) {
        add(finding, DATA_OUTLIERS, "'%s' has %zu outliers of other values", column->variable->name,
            figures->n_outliers - n_named);
    }
}

/* The longest stretch of one value; missing values neither end nor lengthen it. */
struct value_stretch {
    double value;
    size_t n, begin;
    bool is_last;                    /* nothing else was read after it */
    size_t n_values, n_pairs_repeat; /* of the series: values, and those like the one before them */
};

static struct value_stretch find_stretch(const struct data_column *column,
                                         const struct gru_series *series)
{
    struct value_stretch longest = { .value = NAN };
    size_t n = 0, begin = 0;
    double last = NAN;
    for (size_t t = 0; t < rows_of(column, series); t++) {
        const double value = value_at(column, series, t);
        if (isnan(value)) {
            continue;
        }
        longest.n_values++;
        longest.n_pairs_repeat += value == last;
        begin = value == last ? begin : t;
        n = value == last ? n + 1 : 1;
        last = value;
        if (n > longest.n) {
            longest.n = n;
            longest.begin = begin;
            longest.value = value;
        }
    }
    longest.is_last = longest.n > 0 && n == longest.n && last == longest.value;
    return longest;
}

/* Whether the series' other values, which repeat as often as they do, would have none as long. */
static bool is_no_chance(const struct value_stretch *stretch)
{
    const size_t n_within = stretch->n - 1;
    const double repeats = (double)(stretch->n_pairs_repeat - n_within) + 1;
    const double pairs = (double)(stretch->n_values - 1 - n_within) + 2;
    return log((double)stretch->n_values) + (double)n_within * log(repeats / pairs) < log(CHANCE);
}

static bool is_stuck(const struct value_stretch *stretch)
{
    if (stretch->n < ROWS_LEAST || stretch->n == stretch->n_values) {
        return stretch->n >= ROWS_LEAST;
    }
    bool is_long = stretch->n >= STUCK_ROWS && stretch->n * STUCK_SHARE >= stretch->n_values;
    return (is_long || stretch->is_last) && is_no_chance(stretch);
}

static void find_constant(struct finding *finding)
{
    const struct data_column *column = finding->column;
    for (size_t s = 0; s < n_series(column->training); s++) {
        const struct value_stretch stretch = find_stretch(column, series_at(column->training, s));
        char words[48];
        if (is_stuck(&stretch)) {
            add(finding, DATA_CONSTANT, "%s'%s' is %.*g in %zu rows from row %zu of %s",
                column->is_target ? "the target " : "", column->variable->name,
                digits_of(stretch.value, column->variable->std), stretch.value, stretch.n,
                stretch.begin, series_words(column->training, s, words));
        }
    }
}

static void find_column(struct finding *finding, const struct data_column *column)
{
    struct column_figures figures;
    finding->column = column;
    if (measure(finding, &figures)) {
        find_scaling(finding, &figures);
        find_outliers(finding, &figures);
        find_constant(finding);
    }
}

/* ---- copies ---- */

struct series_digest {
    struct digest x, y;
    size_t series;
};

static int compare_digests(const void *a, const void *b)
{
    const struct series_digest *left = a, *right = b;
    int order = memcmp(&left->x, &right->x, sizeof left->x);
    order = order != 0 ? order : memcmp(&left->y, &right->y, sizeof left->y);
    return order != 0 ? order : (left->series > right->series) - (left->series < right->series);
}

static bool is_copy(const struct series_digest *one, const struct series_digest *other)
{
    return digest_equals(one->x, other->x) && digest_equals(one->y, other->y);
}

/* Of each series that others are copies of, the first is none. */
static void report_copies(struct finding *finding, const struct gru_training *training,
                          const struct series_digest *sorted)
{
    const size_t n = n_series(training);
    size_t n_copies = 0, first = SIZE_MAX, of_first = 0, original = 0;
    char copy[48], of[48];
    for (size_t k = 1; k < n; k++) {
        if (!is_copy(&sorted[k], &sorted[original])) {
            original = k;
            continue;
        }
        n_copies++;
        if (sorted[k].series < first) {
            first = sorted[k].series;
            of_first = sorted[original].series;
        }
    }
    if (n_copies > 0) {
        add(finding, DATA_COPIES, "%zu of %zu series are copies of others, such as %s of %s",
            n_copies, n, series_words(training, first, copy), series_words(training, of_first, of));
    }
}

static bool find_copies(struct finding *finding, const struct gru_info *info,
                        const struct gru_training *training)
{
    const size_t n = n_series(training);
    const size_t y_width = training_set_y_width(info, &training->hyperparameters);
    struct series_digest *digests = calloc(n > 0 ? n : 1, sizeof *digests);
    if (!digests) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        const struct gru_series *series = series_at(training, k);
        const size_t n_targets = series->y ? series->n_targets : 0;
        digests[k].series = k;
        digests[k].x = digest_128(series->x, series->n_rows * info->n_inputs * sizeof *series->x);
        digests[k].y = digest_128(series->y, n_targets * y_width * sizeof *series->y);
    }
    qsort(digests, n, sizeof *digests, compare_digests);
    report_copies(finding, training, digests);
    free(digests);
    return true;
}

/* Whether readings of an input have its scaling themselves, and not what a transform makes of them.
 */
static bool is_raw(const struct gru_info *info, int input)
{
    return input < 0 || info->inputs[input].transform.kind == GRU_TRANSFORM_NONE;
}

bool data_warnings_find(const struct gru_info *info, const struct gru_training *training,
                        struct data_warnings *ret_warnings)
{
    enum gru_loss loss = (enum gru_loss)training->hyperparameters.loss;
    double *samples = malloc(SAMPLES * sizeof *samples);
    struct finding finding = { .samples = samples, .warnings = ret_warnings };
    if (!samples) {
        return false;
    }
    memset(ret_warnings, 0, sizeof *ret_warnings);
    const bool is_kept = training->hyperparameters.scaling == GRU_SCALING_KEEP;
    for (size_t k = 0; k < info->n_inputs; k++) {
        const int fed_by = is_kept && info->residual ? info->inputs[k].feeds : -1;
        const struct data_column column = { .training = training,
                                            .variable = &info->inputs[k],
                                            .changes = fed_by < 0 || !is_raw(info, (int)k)
                                                           ? NULL
                                                           : &info->outputs[fed_by],
                                            .has_scaling = is_kept && is_raw(info, (int)k),
                                            .k = k,
                                            .width = info->n_inputs };
        find_column(&finding, &column);
    }
    bool is_measured = loss != GRU_CROSS_ENTROPY && loss != GRU_BCE;
    for (size_t k = 0; is_measured && k < info->n_outputs; k++) { /* of the first step ahead */
        const struct data_column column = { .training = training,
                                            .variable = &info->outputs[k],
                                            .is_target = true,
                                            .has_scaling = is_kept && !info->residual &&
                                                           is_raw(info, info->outputs[k].feeds),
                                            .k = k,
                                            .width = info->y_floats };
        find_column(&finding, &column);
    }
    const bool has_memory = find_copies(&finding, info, training);
    add_more(&finding);
    free(samples);
    return has_memory;
}
