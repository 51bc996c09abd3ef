#include "commands/model_scaling.h"

#include "commands/command_line.h"

static void compare(const char *command, const struct gru_variable *variable,
                    const struct gru_variable *fitted, bool is_of_changes, const char *remedy)
{
    const struct gru_scaling scaling = { variable->name, variable->mean, variable->std },
                             data = { fitted->name, fitted->mean, fitted->std };
    if (gru_scaling_is_far(&scaling, &data, is_of_changes)) {
        command_complain(
            command, COMMAND_FINE,
            "%s'%s' %s mean %.6g and std %.3g in the data, %.6g and %.3g in the model, "
            "which makes training slow or hopeless: %s takes them from the data",
            is_of_changes ? "the changes of " : "", variable->name, is_of_changes ? "have" : "has",
            data.mean, data.std, scaling.mean, scaling.std, remedy);
    }
}

int model_scaling_warn(const char *command, struct gru_model *model,
                       const struct gru_training *training, const char *remedy)
{
    struct gru_training fitting = *training;
    struct gru_model *fitted;
    fitting.hyperparameters.scaling = GRU_SCALING_FIT;
    if (gru_model_fit_scaling(model, &fitting, &fitted) != GRU_OK) {
        return command_complain(command, COMMAND_FAILED, "out of memory");
    }
    const struct gru_info *info = gru_model_info(model), *data = gru_model_info(fitted);
    for (size_t i = 0; i < info->n_inputs; i++) {
        compare(command, &info->inputs[i], &data->inputs[i], false, remedy);
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        const bool feeds = info->outputs[o].feeds >= 0; /* else it has its input's, or its own */
        if (info->residual || !feeds) {
            compare(command, &info->outputs[o], &data->outputs[o], feeds, remedy);
        }
    }
    gru_model_unref(fitted);
    return COMMAND_FINE;
}
