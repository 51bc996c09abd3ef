/*
 * library_step.c - steps of one stream by libgru alone, without a server: H = 64, 4 inputs, 1
 * output, the network that bench_instructions.sh serves. Prints the last output.
 *
 * Usage: library_step STEPS
 */
#include "gru.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_INPUTS = 4, N_HIDDEN = 64, STATE_FLOATS_MAX = 256 };

static enum gru_status run_steps(const struct gru_model *model, struct gru_work *work,
                                 unsigned long n_steps, double *ret_y)
{
    static const double reading[N_INPUTS] = { 20.125, 0.5512, 1013.25, 3.75 };
    static float state[STATE_FLOATS_MAX];
    double y = 0;
    struct gru_lane lane = {
        .state_in = state, .state_out = state, .x = reading, .n_rows = 1, .y = &y
    };
    enum gru_status status = GRU_OK;
    if (gru_model_info(model)->state_floats > STATE_FLOATS_MAX) {
        return GRU_BAD_ARGUMENT;
    }
    gru_state_init(model, state);
    for (unsigned long k = 0; k < n_steps && status == GRU_OK; k++) {
        status = gru_run(model, work, &lane, 1);
        status = status == GRU_OK ? lane.status : status;
    }
    *ret_y = y;
    return status;
}

int main(int argc, char *argv[])
{
    static const char *const inputs[] = { "a", "b", "c", "d" }, *const outputs[] = { "a" };
    const size_t hidden_size = N_HIDDEN;
    const struct gru_plan plan = { .n_inputs = N_INPUTS,
                                   .n_outputs = 1,
                                   .n_layers = 1,
                                   .inputs = inputs,
                                   .outputs = outputs,
                                   .hidden_sizes = &hidden_size,
                                   .seed = 1 };
    struct gru_model *model = NULL;
    struct gru_work *work = NULL;
    double y = 0;
    enum gru_status status = gru_model_create(&plan, &model, NULL);
    if (status == GRU_OK) {
        status = gru_work_create(&work);
    }
    if (status == GRU_OK) {
        status = run_steps(model, work, argc > 1 ? strtoul(argv[1], NULL, 10) : 1, &y);
    }
    printf("%s %.9g\n", gru_status_text(status), y);
    gru_work_free(work);
    gru_model_unref(model);
    return status == GRU_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
