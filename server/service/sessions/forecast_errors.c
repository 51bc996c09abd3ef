#include "service/sessions/forecast_errors.h"

#include "service/pool/record.h"

#include <float.h>
#include <math.h>

/* m += (x - m) / n (B. P. Welford, Technometrics 4(3), 1962). In doubles and bounded: a square may
 * be beyond any float, and the mean must come back from it. */
static void note(struct record_error *error, double miss)
{
    error->n++;
    double mae = error->mae + (fabs(miss) - error->mae) / error->n;
    double mse = error->mse + (miss * miss - error->mse) / error->n;
    error->mae = (float)fmin(mae, FLT_MAX);
    error->mse = (float)fmin(mse, FLT_MAX);
}

void forecast_errors_note(const struct gru_info *info, const float *forecast, const float *x,
                          struct record_error *errors)
{
    for (size_t o = 0; o < info->n_outputs; o++) {
        float seen = info->outputs[o].feeds >= 0 ? x[info->outputs[o].feeds] : NAN;
        if (!isnan(seen) && !isnan(forecast[o]) && errors[o].n < UINT32_MAX) {
            note(&errors[o], (double)seen - (double)forecast[o]);
        }
    }
}
