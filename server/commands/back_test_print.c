#include "commands/back_test_print.h"

#include "commands/csv.h"
#include "json/json.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- the table ---- */

enum { OUTPUTS_SHOWN = 4, CELL_WIDTH = 12 };

static void print_cell(double value, int width, FILE *out)
{
    if (isnan(value)) {
        fprintf(out, " %*s", width, "-");
    } else {
        fprintf(out, " %*.4g", width, value);
    }
}

static void print_by_output(const struct back_test *test, const struct gru_info *info, FILE *out)
{
    const size_t n_shown = test->n_outputs < OUTPUTS_SHOWN ? test->n_outputs : OUTPUTS_SHOWN;
    struct error_figures figures[1 + OUTPUTS_SHOWN] = { back_test_all(test) };
    int widths[1 + OUTPUTS_SHOWN] = { CELL_WIDTH };
    fprintf(out, "%-24s %*s", "", CELL_WIDTH, "all");
    for (size_t o = 0; o < n_shown; o++) {
        char name[CSV_QUOTE_SIZE];
        figures[1 + o] = back_test_output(test, o);
        const int n_name = (int)strlen(csv_quote(info->outputs[o].name, name));
        widths[1 + o] = n_name > CELL_WIDTH ? n_name : CELL_WIDTH;
        fprintf(out, " %*s", widths[1 + o], name);
    }
    fputs(n_shown < test->n_outputs ? "  ...\n" : "\n", out);
    for (enum error_measure measure = 0; measure < ERROR_N_MEASURES; measure++) {
        fprintf(out, "%-24s", error_measure_word(measure));
        for (size_t k = 0; k <= n_shown; k++) {
            print_cell(figures[k].values[measure], widths[k], out);
        }
        fputc('\n', out);
    }
    fprintf(out, "%-24s", "n");
    for (size_t k = 0; k <= n_shown; k++) {
        fprintf(out, " %*" PRIu64, widths[k], figures[k].n);
    }
    fputc('\n', out);
}

static void print_by_horizon(const struct back_test *test, FILE *out)
{
    static const struct {
        enum error_measure measure;
        const char *heading;
    } columns[] = { { ERROR_MAE, "mae" },
                    { ERROR_RMSE, "rmse" },
                    { ERROR_SKILL_VS_PERSISTENCE, "skill" },
                    { ERROR_COVERAGE, "coverage" },
                    { ERROR_MEAN_WIDTH, "mean_width" } };
    enum { N_COLUMNS = sizeof columns / sizeof *columns };
    fputs("\nahead", out);
    for (size_t k = 0; k < N_COLUMNS; k++) {
        fprintf(out, " %*s", CELL_WIDTH, columns[k].heading);
    }
    fputc('\n', out);
    for (size_t ahead = 1; ahead <= test->horizon; ahead++) {
        const struct error_figures figures = back_test_ahead(test, ahead);
        fprintf(out, "%5zu", ahead);
        for (size_t k = 0; k < N_COLUMNS; k++) {
            print_cell(figures.values[columns[k].measure], CELL_WIDTH, out);
        }
        fputc('\n', out);
    }
}

void back_test_print_table(const struct back_test *test, const struct gru_info *info, FILE *out)
{
    fprintf(out, "%zu windows, %zu ahead; ", test->n_windows, test->horizon);
    if (test->season > 0) {
        fprintf(out, "season %zu, ", test->season);
    }
    fprintf(out, "intervals of %g\n\n", test->level);
    print_by_output(test, info, out);
    print_by_horizon(test, out);
}

/* ---- JSON ---- */

/* As the daemon does: floats, where they reach. */
static void print_number(double value, FILE *out)
{
    char text[JSON_DOUBLE_MAX + 1];
    *(fabs(value) <= (double)FLT_MAX ? json_print_float(text, (float)value)
                                     : json_print_double(text, value)) = '\0';
    fputs(text, out);
}

static void print_figures(const struct error_figures *figures, FILE *out)
{
    fprintf(out, "\"n\":%" PRIu64, figures->n);
    for (enum error_measure measure = 0; measure < ERROR_N_MEASURES; measure++) {
        fprintf(out, ",\"%s\":", error_measure_word(measure));
        print_number(figures->values[measure], out);
    }
    fprintf(out, ",\"n_intervals\":%" PRIu64, figures->n_intervals);
}

void back_test_print_json(const struct back_test *test, const struct gru_info *info, FILE *out)
{
    struct error_figures figures = back_test_all(test);
    fprintf(out, "{\"windows\":%zu,\"horizon\":%zu,\"season\":", test->n_windows, test->horizon);
    if (test->season > 0) {
        fprintf(out, "%zu", test->season);
    } else {
        fputs("null", out);
    }
    char level[JSON_DOUBLE_MAX + 1];
    *json_print_double(level, test->level) = '\0';
    fprintf(out, ",\"level\":%s,", level);
    print_figures(&figures, out);
    for (size_t ahead = 1; ahead <= test->horizon; ahead++) {
        fprintf(out, "%s{\"ahead\":%zu,", ahead == 1 ? ",\"by_horizon\":[" : ",", ahead);
        figures = back_test_ahead(test, ahead);
        print_figures(&figures, out);
        fputc('}', out);
    }
    for (size_t o = 0; o < test->n_outputs; o++) {
        char name[6 * GRU_NAME_MAX + 3];
        const char *text = info->outputs[o].name;
        *json_print_string(name, text, strlen(text)) = '\0';
        fprintf(out, "%s{\"output\":%s,", o == 0 ? "],\"by_output\":[" : ",", name);
        figures = back_test_output(test, o);
        print_figures(&figures, out);
        fputc('}', out);
    }
    fputs("]}\n", out);
}
