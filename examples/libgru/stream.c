/* stream.c - a stream on libgru alone: loads a model, steps it once for each line on standard
 * input, says what it predicts for the next, forecasts behind the last, and saves model and state.
 *
 *     cc stream.c $(pkg-config --cflags --libs libgru-infer) -o stream
 *     tail -n 24 sunspots.csv | cut -d, -f2 | ./stream sunspots.safetensors 3 out
 */
#include <gru.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what)
{
    fprintf(stderr, "stream: %s\n", what);
    return EXIT_FAILURE;
}

/* What is needed to go on tomorrow: the model, as a file that grud serves, and the state. */
static bool save(const struct gru_model *model, const float *state, const char *path)
{
    void *bytes;
    size_t n_bytes;
    if (gru_model_save(model, &bytes, &n_bytes) != GRU_OK) {
        return false;
    }
    char name[4096];
    snprintf(name, sizeof name, "%s.safetensors", path);
    FILE *file = fopen(name, "wb");
    bool is_saved = file && fwrite(bytes, 1, n_bytes, file) == n_bytes;
    is_saved = file && fclose(file) == 0 && is_saved;
    free(bytes);
    snprintf(name, sizeof name, "%s.state", path);
    const size_t n = gru_model_info(model)->state_floats;
    file = fopen(name, "wb");
    is_saved = file && fwrite(state, sizeof *state, n, file) == n && is_saved;
    return file && fclose(file) == 0 && is_saved;
}

int main(int argc, char *argv[])
{
    struct gru_model *model;
    struct gru_work *work;
    struct gru_error error;
    const size_t horizon = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    if (horizon == 0) {
        return fail("usage: stream MODEL HORIZON OUT");
    }
    if (gru_model_load_file(argv[1], &model, &error) != GRU_OK) {
        return fail(error.message);
    }
    const struct gru_info *info = gru_model_info(model);
    float *state = malloc(info->state_floats * sizeof *state);
    float *y = malloc(info->y_floats * sizeof *y);
    float *forecast = calloc(horizon, info->n_outputs * sizeof *forecast);
    if (info->n_inputs != 1 || !state || !y || !forecast || gru_work_create(&work) != GRU_OK) {
        return fail("the model must have one input, and fit into memory");
    }
    gru_state_init(model, state);
    for (float x; scanf("%f", &x) == 1;) {
        struct gru_lane lane = {
            .x = &x, .n_rows = 1, .y = y, .state_in = state, .state_out = state
        };
        if (gru_run(model, work, &lane, 1) != GRU_OK || lane.status != GRU_OK) {
            return fail(gru_status_text(lane.status));
        }
        printf("%g, then %g\n", (double)x, (double)y[0]);
    }
    enum gru_status status = gru_forecast(model, work, state, horizon, NULL, 0, forecast);
    if (status != GRU_OK) {
        return fail(gru_status_text(status));
    }
    for (size_t row = 0; row < horizon; row++) {
        printf("%zu ahead: %g\n", row + 1, (double)forecast[row * info->n_outputs]);
    }
    const bool is_saved = save(model, state, argv[3]);
    free(forecast);
    free(y);
    free(state);
    gru_work_free(work);
    gru_model_unref(model);
    return is_saved ? EXIT_SUCCESS : fail("the model or its state cannot be written");
}
