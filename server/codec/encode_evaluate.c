/* encode_evaluate.c - what a back-test has shown: the table of measures, of all, step by step
 * ahead, and output by output. */
#include "codec/put.h"

#include <float.h>
#include <math.h>

enum { COUNTS_MAX = 2 * JSON_INT_MAX + 32, MEASURE_MAX = JSON_DOUBLE_MAX + 32 };

#define FIGURES_MAX (COUNTS_MAX + ERROR_N_MEASURES * MEASURE_MAX)

/* As a float, which takes a thirtieth of the time: a reply may have a hundred thousand figures. */
static char *put_figure(char *p, double value)
{
    return fabs(value) <= (double)FLT_MAX ? json_print_float(p, (float)value)
                                          : json_print_double(p, value);
}

/* "n":...,"mae":...,...; at most FIGURES_MAX bytes. */
static char *put_figures(char *p, const struct error_figures *figures)
{
    p = PUT_LITERAL(p, "\"n\":");
    p = put_unsigned(p, figures->n);
    for (enum error_measure measure = 0; measure < ERROR_N_MEASURES; measure++) {
        *p++ = ',';
        p = put_string(p, error_measure_word(measure));
        *p++ = ':';
        p = put_figure(p, figures->values[measure]);
    }
    p = PUT_LITERAL(p, ",\"n_intervals\":");
    return put_unsigned(p, figures->n_intervals);
}

/* {FIRST,FIGURES}, */
static void append_row(struct text *text, const char *first, size_t n_first,
                       const struct error_figures *figures, bool is_last)
{
    char *p = text_reserve(text, n_first + FIGURES_MAX + 4);
    if (p != NULL) {
        *p++ = '{';
        p = put_bytes(p, first, n_first);
        *p++ = ',';
        p = put_figures(p, figures);
        *p++ = '}';
        *p = ',';
        put_end(text, p + !is_last);
    }
}

static void append_by_horizon(struct text *text, const struct back_test *test)
{
    for (size_t ahead = 1; ahead <= test->horizon; ahead++) {
        char first[sizeof "\"ahead\":" + JSON_INT_MAX];
        const char *end = put_unsigned(PUT_LITERAL(first, "\"ahead\":"), ahead);
        const struct error_figures figures = back_test_ahead(test, ahead);
        append_row(text, first, (size_t)(end - first), &figures, ahead == test->horizon);
    }
}

static void append_by_output(struct text *text, const struct back_test *test,
                             const struct gru_info *info)
{
    for (size_t o = 0; o < test->n_outputs; o++) {
        char first[sizeof "\"output\":" + PUT_STRING_MAX(GRU_NAME_MAX)];
        const char *end = put_string(PUT_LITERAL(first, "\"output\":"), info->outputs[o].name);
        const struct error_figures figures = back_test_output(test, o);
        append_row(text, first, (size_t)(end - first), &figures, o + 1 == test->n_outputs);
    }
}

/* {"model":...,"pinball":... */
static void append_whole(struct text *text, const char *model, const struct evaluation *evaluation)
{
    const struct back_test *test = &evaluation->back_test;
    const struct error_figures figures = back_test_all(test);
    char *p = text_reserve(text, 128 + PUT_STRING_MAX(strlen(model)) + 4 * JSON_INT_MAX +
                                     JSON_DOUBLE_MAX + FIGURES_MAX);
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, "{\"model\":");
    p = put_string(p, model);
    p = PUT_LITERAL(p, ",\"version\":");
    p = put_unsigned(p, evaluation->prediction.version);
    p = PUT_LITERAL(p, ",\"windows\":");
    p = put_unsigned(p, test->n_windows);
    p = PUT_LITERAL(p, ",\"horizon\":");
    p = put_unsigned(p, test->horizon);
    p = PUT_LITERAL(p, ",\"season\":");
    p = test->season > 0 ? put_unsigned(p, test->season) : PUT_LITERAL(p, "null");
    p = PUT_LITERAL(p, ",\"level\":");
    p = test->level > 0.0 ? json_print_double(p, test->level) : PUT_LITERAL(p, "null");
    *p++ = ',';
    put_end(text, put_figures(p, &figures));
}

void codec_put_evaluation(struct text *text, const char *model, const struct evaluation *evaluation)
{
    const struct back_test *test = &evaluation->back_test;
    append_whole(text, model, evaluation);
    text_append(text, ",\"by_horizon\":[", strlen(",\"by_horizon\":["));
    append_by_horizon(text, test);
    text_append(text, "],\"by_output\":[", strlen("],\"by_output\":["));
    append_by_output(text, test, gru_model_info(evaluation->prediction.gru));
    text_append(text, "]}", 2);
}
