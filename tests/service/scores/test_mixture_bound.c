/* What a mixture promises, on measured series, and on series and models that are against it. */
#include "mixture_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>

static void check_promise(const struct mixture_series *series, enum mixture_model model,
                          double scale)
{
    const struct mixture_run run = mixture_run_series(series, model, scale);
    for (size_t i = 0; i < MIXTURE_ASKED; i++) {
        ck_assert_msg(run.worst_share[i] <= 1, "%s, model %d, %zu ahead, scale %g: %g of its bound",
                      series->name, (int)model, mixture_asked[i], scale, run.worst_share[i]);
        /* It keeps floats, and exponents of some hundred. */
        ck_assert_msg(run.most_apart[i] < 2e-2, "%s, model %d, %zu ahead, scale %g: %g apart",
                      series->name, (int)model, mixture_asked[i], scale, run.most_apart[i]);
    }
}

TEST(regret_is_within_its_bound_and_the_rule_is_followed)
{
    for (size_t which = 0; which < MIXTURE_SERIES; which++) {
        for (int model = 0; model < MIXTURE_MODELS; model++) {
            check_promise(mixture_series_at(which), model, 1);
        }
    }
}

TEST(values_may_have_any_unit)
{
    static const double scales[] = { 1e-6, 1e8, 1e30, 1e-30 };
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        check_promise(mixture_series_at(2), MIXTURE_GOOD, scales[i]);
        check_promise(mixture_series_at(2), MIXTURE_SWAPPING, scales[i]);
    }
}

TEST(it_is_never_worse_than_persistence_by_more_than_one_hundredth)
{
    static const enum mixture_model models[] = { MIXTURE_GOOD, MIXTURE_RANDOM, MIXTURE_DRIFTING,
                                                 MIXTURE_ZERO, MIXTURE_TURNS_BAD };
    for (size_t which = 0; which < MIXTURE_SERIES; which++) {
        for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
            const struct mixture_series *series = mixture_series_at(which);
            const struct mixture_run run = mixture_run_series(series, models[m], 1);
            for (size_t i = 0; i < MIXTURE_ASKED; i++) {
                const double rmse = sqrt(run.squared[i]), mae = run.absolute[i],
                             rmse_of = sqrt(run.persistence_squared[i]),
                             mae_of = run.persistence_absolute[i];
                ck_assert_msg(rmse <= 1.01 * rmse_of && mae <= 1.01 * mae_of,
                              "%s, model %d, %zu ahead: rmse %g of %g, mae %g of %g", series->name,
                              (int)models[m], mixture_asked[i], rmse, rmse_of, mae, mae_of);
            }
        }
    }
}
