#include "service/jobs/data_warnings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 4096,  /* values that a column's quantiles are of */
    ROWS_LEAST = 10, /* fewer are constant by chance, and say nothing of a scaling */
    STUCK_ROWS = 50, /* a value stays for so many rows, */
    STUCK_SHARE = 5, /* and for one in so many of the series' rows */
    MORE_SIZE = 32,  /* room for "; and 123456 more" */
    PIECE_SIZE = 320
};

/* An outlier is further from the median than so many times the middle 90 %. (The gate's rule,
 * too.) */
static const double FAR = 3;
/* A scaling is far off if the means are so many of its standard deviations apart, */
static const double FAR_MEAN = 10;
/* or the standard deviations differ by more than these. */
static const double FAR_WIDE = 10, FAR_NARROW = 0.01;

/* A column of x, or of posted targets, of all series. */
struct data_column {
    const struct gru_training *training;
    const struct gru_variable *variable;
    bool is_target, has_scaling;
    size_t k, width;
};

struct column_figures {
    size_t n;
    double middle, least, most; /* the median, and the bounds of what is no outlier */
    double mean, std;           /* without outliers */
    size_t n_outliers;
    double worst; /* the furthest outlier, */
    size_t worst_series, worst_row;
};

struct finding {
    const struct data_column *column;
    float *samples; /* [SAMPLES] */
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

static float value_at(const struct data_column *column, const struct gru_series *series, size_t t)
{
    return (column->is_target ? series->y : series->x)[t * column->width + column->k];
}

/* ---- figures of a column ---- */

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static size_t take_samples(const struct data_column *column, float *samples)
{
    size_t n_rows = 0, n = 0, next = 0, at = 0;
    for (size_t s = 0; s < n_series(column->training); s++) {
        n_rows += rows_of(column, series_at(column->training, s));
    }
    size_t step = (n_rows + SAMPLES - 1) / SAMPLES;
    for (size_t s = 0; s < n_series(column->training); s++) {
        const struct gru_series *series = series_at(column->training, s);
        size_t rows = rows_of(column, series);
        for (; next < at + rows; next += step) {
            float value = value_at(column, series, next - at);
            if (!isnan(value)) {
                samples[n++] = value;
            }
        }
        at += rows;
    }
    qsort(samples, n, sizeof *samples, compare_floats);
    return n;
}

static void find_bounds(const struct data_column *column, const float *samples, size_t n,
                        struct column_figures *figures)
{
    double width = (double)samples[n - 1 - n / 20] - (double)samples[n / 20];
    if (width <= 0) {
        width = (double)samples[n - 1 - n / 100] - (double)samples[n / 100];
    }
    double std = column->variable->std;
    double far = FAR * (width > std ? width : std);
    figures->middle = (double)samples[n / 2];
    figures->least = n < ROWS_LEAST ? -INFINITY : figures->middle - far;
    figures->most = n < ROWS_LEAST ? INFINITY : figures->middle + far;
}

static void add_value(struct column_figures *figures, double value, size_t series, size_t row)
{
    double distance = value - figures->middle;
    if (value >= figures->least && value <= figures->most) {
        figures->n++;
        figures->mean += distance; /* sums, for now */
        figures->std += distance * distance;
    } else if (++figures->n_outliers == 1 ||
               fabs(distance) > fabs(figures->worst - figures->middle)) {
        figures->worst = value;
        figures->worst_series = series;
        figures->worst_row = row;
    }
}

/* False: the column has no values. */
static bool measure(const struct finding *finding, struct column_figures *ret_figures)
{
    const struct data_column *column = finding->column;
    struct column_figures figures = { 0 };
    size_t n = take_samples(column, finding->samples);
    if (n == 0) {
        return false;
    }
    find_bounds(column, finding->samples, n, &figures);
    for (size_t s = 0; s < n_series(column->training); s++) {
        const struct gru_series *series = series_at(column->training, s);
        for (size_t t = 0; t < rows_of(column, series); t++) {
            float value = value_at(column, series, t);
            if (!isnan(value)) {
                add_value(&figures, (double)value, s, t);
            }
        }
    }
    double mean = figures.mean / (double)figures.n;
    double variance = figures.std / (double)figures.n - mean * mean;
    figures.mean = figures.middle + mean;
    figures.std = sqrt(variance > 0 ? variance : 0);
    *ret_figures = figures;
    return true;
}

/* ---- sentences ---- */

static const char *const begins[DATA_N_WARNINGS] = {
    [DATA_SCALING] = "far from the model's scaling, which makes training slow or hopeless: ",
    [DATA_OUTLIERS] = "outliers, which may rule the loss (null stands for a missing reading): ",
    [DATA_CONSTANT] = "constant or stuck: ",
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
static const char *series_words(const struct data_column *column, size_t s, char words[48])
{
    size_t n = column->training->n_series;
    snprintf(words, 48, "%sseries %zu", s < n ? "" : "validation ", s < n ? s : s - n);
    return words;
}

/* ---- what is found ---- */

static void find_scaling(struct finding *finding, const struct column_figures *figures)
{
    const struct gru_variable *variable = finding->column->variable;
    bool is_far = fabs(figures->mean - variable->mean) > FAR_MEAN * variable->std ||
                  figures->std > FAR_WIDE * variable->std ||
                  (figures->std > 0 && figures->std < FAR_NARROW * variable->std);
    if (is_far && finding->column->has_scaling && figures->n >= ROWS_LEAST) {
        add(finding, DATA_SCALING,
            "'%s' has mean %.6g and std %.3g in the data, %.6g and %.3g in the model (start from a "
            "model with this scaling: grud init --scale %s=%.6g:%.3g)",
            variable->name, figures->mean, figures->std, variable->mean, variable->std,
            variable->name, figures->mean, figures->std);
    }
}

static void find_outliers(struct finding *finding, const struct column_figures *figures)
{
    const struct data_column *column = finding->column;
    char words[48];
    double std = figures->std > 0 ? figures->std : column->variable->std;
    if (figures->n_outliers > 0) {
        add(finding, DATA_OUTLIERS,
            "%s'%s' is %.6g in row %zu of %s, %.3g standard deviations from the median %.4g (%zu "
            "such values)",
            column->is_target ? "the target " : "", column->variable->name, figures->worst,
            figures->worst_row, series_words(column, figures->worst_series, words),
            fabs(figures->worst - figures->middle) / std, figures->middle, figures->n_outliers);
    }
}

/* The longest stretch of one value; missing values neither end nor lengthen it. */
static size_t find_stretch(const struct data_column *column, const struct gru_series *series,
                           size_t *ret_begin, float *ret_value)
{
    size_t longest = 0, n = 0, begin = 0;
    float last = NAN;
    for (size_t t = 0; t < rows_of(column, series); t++) {
        float value = value_at(column, series, t);
        if (isnan(value)) {
            continue;
        }
        begin = value == last ? begin : t;
        n = value == last ? n + 1 : 1;
        last = value;
        if (n > longest) {
            longest = n;
            *ret_begin = begin;
            *ret_value = value;
        }
    }
    return longest;
}

static void find_constant(struct finding *finding)
{
    const struct data_column *column = finding->column;
    for (size_t s = 0; s < n_series(column->training); s++) {
        const struct gru_series *series = series_at(column->training, s);
        char words[48];
        size_t begin = 0, rows = rows_of(column, series);
        float value = 0;
        size_t n = find_stretch(column, series, &begin, &value);
        if (n >= ROWS_LEAST && n >= rows / STUCK_SHARE && (n == rows || n >= STUCK_ROWS)) {
            add(finding, DATA_CONSTANT, "%s'%s' is %.6g in %zu rows from row %zu of %s",
                column->is_target ? "the target " : "", column->variable->name, (double)value, n,
                begin, series_words(column, s, words));
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

bool data_warnings_find(const struct gru_info *info, const struct gru_training *training,
                        struct data_warnings *ret_warnings)
{
    enum gru_loss loss = (enum gru_loss)training->hyperparameters.loss;
    float *samples = malloc(SAMPLES * sizeof *samples);
    struct finding finding = { .samples = samples, .warnings = ret_warnings };
    if (!samples) {
        return false;
    }
    memset(ret_warnings, 0, sizeof *ret_warnings);
    for (size_t k = 0; k < info->n_inputs; k++) {
        const struct data_column column = { .training = training,
                                            .variable = &info->inputs[k],
                                            .has_scaling = true,
                                            .k = k,
                                            .width = info->n_inputs };
        find_column(&finding, &column);
    }
    bool is_measured = loss != GRU_CROSS_ENTROPY && loss != GRU_BCE;
    for (size_t k = 0; is_measured && k < info->n_outputs; k++) { /* of the first step ahead */
        const struct data_column column = { .training = training,
                                            .variable = &info->outputs[k],
                                            .is_target = true,
                                            .has_scaling = !info->residual,
                                            .k = k,
                                            .width = info->y_floats };
        find_column(&finding, &column);
    }
    add_more(&finding);
    free(samples);
    return true;
}
