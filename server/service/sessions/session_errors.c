#include "service/sessions/session_errors.h"

#include "service/sessions/forecast_errors.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t session_errors_bytes(size_t n_outputs, uint32_t season)
{
    return n_outputs *
           (sizeof(struct record_error) + (season > 0 ? sizeof(struct record_seasonal) : 0));
}

static struct record_error error_at(const struct session_errors *errors, size_t output)
{
    struct record_error error;
    memcpy(&error, errors->means + output * sizeof error, sizeof error);
    return error;
}

static struct record_seasonal seasonal_at(const struct session_errors *errors, size_t n_outputs,
                                          size_t output)
{
    struct record_seasonal seasonal;
    memcpy(&seasonal,
           errors->means + n_outputs * sizeof(struct record_error) + output * sizeof seasonal,
           sizeof seasonal);
    return seasonal;
}

/* ---- from and to a record ---- */

bool session_errors_read(const struct record_layout *layout, struct record_copy *copy,
                         struct arena *arena, struct session_errors *ret_errors)
{
    const size_t n_outputs = layout->n_outputs, n_errors = n_outputs * sizeof *copy->errors;
    uint32_t *n = arena_array(arena, n_outputs, sizeof *n);
    float *mae = arena_array(arena, n_outputs, sizeof *mae);
    float *rmse = arena_array(arena, n_outputs, sizeof *rmse);
    unsigned char *means = arena_alloc(arena, session_errors_bytes(n_outputs, layout->season));
    if (!n || !mae || !rmse || !means) {
        return false;
    }
    for (size_t o = 0; o < n_outputs; o++) {
        const struct record_error *error = &copy->errors[o];
        n[o] = error->n;
        mae[o] = error->n > 0 ? (float)running_means_all(&error->absolute) : NAN;
        rmse[o] = error->n > 0 ? (float)sqrt(fmax(running_means_all(&error->squared), 0.0)) : NAN;
    }
    memcpy(means, copy->errors, n_errors);
    memcpy(means + n_errors, record_seasonal_of(layout, copy), record_seasonal_bytes(layout));
    *ret_errors = (struct session_errors){
        .n = n, .mae = mae, .rmse = rmse, .means = means, .season = layout->season
    };
    return true;
}

static void write_means(const struct record_layout *layout, const struct session_errors *errors,
                        struct record_copy *copy)
{
    const size_t n_errors = layout->n_outputs * sizeof *copy->errors;
    memcpy(copy->errors, errors->means, n_errors);
    if (errors->season == layout->season) {
        memcpy(record_seasonal_of(layout, copy), errors->means + n_errors,
               record_seasonal_bytes(layout));
    }
}

void session_errors_write(const struct record_layout *layout, const struct session_errors *errors,
                          struct record_copy *copy)
{
    if (errors->means) {
        write_means(layout, errors, copy);
        return;
    }
    for (size_t o = 0; errors->n && o < layout->n_outputs; o++) {
        if (errors->n[o] > 0 && !isnan(errors->mae[o]) && !isnan(errors->rmse[o])) {
            copy->errors[o] = record_error_of(errors->n[o], errors->mae[o],
                                              fminf(errors->rmse[o] * errors->rmse[o], FLT_MAX));
        }
    }
}

/* ---- from outside ---- */

static bool error_is_valid(const struct record_error *error)
{
    return running_means_are_sizes(&error->absolute) && running_means_are_sizes(&error->squared) &&
           running_means_are_sizes(&error->symmetric) &&
           running_means_are_sizes(&error->persistence) &&
           running_means_are_sizes(&error->truth_variance) &&
           running_means_are_sizes(&error->forecast_variance) &&
           running_means_are_numbers(&error->bias) && running_means_are_numbers(&error->truth);
}

bool session_errors_are_valid(const struct session_errors *errors, size_t n_outputs)
{
    bool is_valid = true;
    for (size_t o = 0; o < n_outputs; o++) {
        const struct record_error error = error_at(errors, o);
        is_valid &= error_is_valid(&error);
        if (errors->season > 0) {
            const struct record_seasonal seasonal = seasonal_at(errors, n_outputs, o);
            is_valid &= running_means_are_sizes(&seasonal.model) &&
                        running_means_are_sizes(&seasonal.reference);
        }
    }
    return is_valid;
}

/* ---- measures ---- */

struct error_sums session_errors_sums(const struct session_errors *errors, size_t n_outputs,
                                      size_t output, enum error_span span)
{
    const struct record_error error = error_at(errors, output);
    struct record_seasonal seasonal = { .n = 0 };
    if (errors->season > 0) {
        seasonal = seasonal_at(errors, n_outputs, output);
    }
    return forecast_errors_sums(&error, &seasonal, span);
}
