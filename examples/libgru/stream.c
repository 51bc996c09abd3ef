/* stream.c - a stream on libgru alone: loads a model, steps it once for each line on standard
 * input, says what it predicts for the next, forecasts behind the last, and saves what is needed to
 * go on tomorrow: the model, as a file that grud serves, and the state. */
#include <gru.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what)
{
    fprintf(stderr, "stream: %s\n", what);
    return EXIT_FAILURE;
}

static bool write_file(const char *path, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    const bool is_written = file && fwrite(bytes, 1, n_bytes, file) == n_bytes;
    return file && fclose(file) == 0 && is_written;
}

int main(int argc, char *argv[])
{
    struct gru_model *model;
    struct gru_work *work;
    struct gru_error error;
    if (argc != 3 || gru_model_load_file(argv[1], &model, &error) != GRU_OK) {
        return fail(argc == 3 ? error.message : "usage: stream MODEL HORIZON");
    }
    const size_t horizon = strtoul(argv[2], NULL, 10);
    const struct gru_info *info = gru_model_info(model);
    float *state = malloc(info->state_floats * sizeof *state);
    double *y = malloc(info->y_floats * sizeof *y);
    double *forecast = calloc(horizon, info->n_outputs * sizeof *forecast);
    if (info->n_inputs != 1 || !state || !y || !forecast || gru_work_create(&work) != GRU_OK) {
        return fail("the model must have one input, and fit into memory");
    }
    gru_state_init(model, state);
    double x;
    struct gru_lane lane = { .x = &x, .n_rows = 1, .y = y, .state_in = state, .state_out = state };
    while (scanf("%lf", &x) == 1) {
        if (gru_run(model, work, &lane, 1) != GRU_OK || lane.status != GRU_OK) {
            return fail(gru_status_text(lane.status));
        }
        printf("%g, then %g\n", x, y[0]);
    }
    if (gru_forecast(model, work, state, horizon, NULL, 0, forecast) != GRU_OK) {
        return fail("the model cannot look that far ahead");
    }
    for (size_t row = 0; row < horizon; row++) {
        printf("%zu ahead: %g\n", row + 1, forecast[row * info->n_outputs]);
    }
    void *bytes;
    size_t n_bytes;
    if (gru_model_save(model, &bytes, &n_bytes) != GRU_OK ||
        !write_file("out.safetensors", bytes, n_bytes) ||
        !write_file("out.state", state, info->state_floats * sizeof *state)) {
        return fail("the model or its state cannot be written");
    }
    free(bytes);
    free(forecast);
    free(y);
    free(state);
    gru_work_free(work);
    gru_model_unref(model);
    return EXIT_SUCCESS;
}
