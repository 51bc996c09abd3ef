/* What a missing reading becomes. */
#include "engine/readings.h"
#include "test.h"

#include <math.h>

TEST(a_missing_reading_follows_the_models_policy)
{
    struct gru_variable inputs[] = { { .mean = 7, .std = 2, .feeds = 0 },
                                     { .mean = 9, .std = 1, .feeds = -1 } };
    struct gru_info info = { .inputs = inputs, .n_inputs = 2 };
    const double none[] = { NAN, NAN }, last[] = { 1, 2 }, y[] = { 3 };
    info.missing = GRU_MISSING_FORECAST;
    ck_assert(gru_fill_missing(&info, 0, last, y) == 3);
    ck_assert(gru_fill_missing(&info, 0, last, none) == 1);
    ck_assert(gru_fill_missing(&info, 0, none, none) == 7);
    ck_assert(gru_fill_missing(&info, 1, last, y) == 2); /* no output feeds it */
    info.missing = GRU_MISSING_LAST;
    ck_assert(gru_fill_missing(&info, 0, last, y) == 1);
    info.missing = GRU_MISSING_MEAN;
    ck_assert(gru_fill_missing(&info, 0, last, y) == 7);
}

TEST(the_network_sees_readings_without_mean_and_std)
{
    const struct gru_variable input = { .mean = 7, .std = 2 };
    ck_assert(gru_normalise(&input, 11) == 2);
    ck_assert(isnan(gru_normalise(&input, NAN)));
}
