/* grud init: makes an untrained model file. */
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/model_output.h"
#include "commands/model_plan.h"
#include "commands/model_scaling.h"
#include "gru.h"

#include <stdio.h>

struct init_arguments {
    struct model_plan_words words;
    struct model_output output;
};

static const struct command_option options[] = {
    MODEL_PLAN_OPTIONS(struct init_arguments),
    { "scale", "NAME=MEAN:STD[,...]|auto:DATA.csv", NULL,
      "what readings are divided by, as in temp=20:5: the network sees (x - mean) / std; or a file "
      "of readings whose mean and std it is",
      false, offsetof(struct init_arguments, words.scale) },
    MODEL_OUTPUT_OPTIONS(struct init_arguments),
};

const struct command_line command_init_line = {
    .command = "init",
    .summary = "makes an untrained model",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .manual = "Makes a model file whose weights are drawn at random, as PyTorch draws those of\n"
              "its layers.\n"
              "The layers are as many of one kind as \\fB\\-\\-layers\\fR has widths, and a\n"
              "read-out; or those that the file of \\fB\\-\\-network\\fR lists, as in\n"
              "[{\"type\": \"gru\", \"units\": 32}, {\"type\": \"dense\", \"units\": 1}].\n"
              "Inputs and outputs are names with commas between; an output with an input's name\n"
              "forecasts it, so that forecasts can go further ahead than one step.\n"
              "With \\fB\\-\\-scale auto:DATA.csv\\fR mean and std are those of the columns of a "
              "file,\n"
              "and of \\fB\\-\\-residual\\fR outputs those of the changes from row to row.\n",
};

static int make(const struct model_plan_words *words, const struct model_output *output)
{
    struct model_plan plan = { .command = output->command };
    struct gru_model *model = NULL;
    int code = model_plan_make(&plan, words);
    plan.gru.has_selftest = true;
    if (code == COMMAND_FINE) {
        code = model_plan_create_model(&plan, &model);
    }
    const char *data = words->scale ? model_scaling_file(words->scale) : NULL;
    if (code == COMMAND_FINE && data) {
        code = model_scaling_fit(output->command, data, &model);
    }
    if (code == COMMAND_FINE) {
        code = model_output_save(output, model);
    }
    gru_model_unref(model);
    model_plan_done(&plan);
    return code;
}

int command_init(int argc, char *const argv[])
{
    struct init_arguments arguments = { .words = { MODEL_PLAN_INITIAL },
                                        .output = { .command = "init" } };
    if (command_line_asks_help(&command_init_line, argc, argv)) {
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_init_line, &arguments, argc, argv);
    if (code == COMMAND_FINE) {
        code = model_output_check(&arguments.output);
    }
    return code == COMMAND_FINE ? make(&arguments.words, &arguments.output) : code;
}
