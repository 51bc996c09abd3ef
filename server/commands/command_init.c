/* grud init: makes an untrained model file. */
#include "commands/command.h"
#include "commands/command_line.h"
#include "commands/model_output.h"
#include "commands/model_plan.h"
#include "gru.h"

#include <stdio.h>

static const char usage[] =
    "usage: grud init --inputs NAME[,NAME...] --outputs NAME[,NAME...] --layers N[,N...] -o FILE\n"
    "                 [--scale NAME=MEAN:STD[,...]] [--residual] [--seed N] [--force]\n"
    "                 [--cell " GRU_CELL_WORDS "] [--reset after|before]\n"
    "                 [--interval-seconds SECONDS] [--season N]\n";

static int make(const struct model_plan_words *words, const struct model_output *output)
{
    struct model_plan plan = { .command = output->command };
    struct gru_model *model = NULL;
    int code = model_plan_make(&plan, words);
    if (code == COMMAND_FINE) {
        code = model_plan_create_model(&plan, &model);
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
    struct model_plan_words words = { MODEL_PLAN_INITIAL };
    struct model_output output = { .command = "init" };
    const struct command_flag flags[] = {
        MODEL_PLAN_FLAGS(&words),
        { "--scale", &words.scale, NULL },
        { "-o", &output.path, NULL },
        { "--force", NULL, &output.force },
    };
    const struct command_line line = {
        .command = "init", .usage = usage, .flags = flags, .n_flags = sizeof flags / sizeof *flags
    };
    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_FINE;
    }
    int code = command_line_read(&line, argc, argv);
    if (code != COMMAND_FINE) {
        return code;
    }
    if (!words.inputs || !words.outputs || !words.layers || !output.path) {
        return command_line_refuse(&line, "--inputs, --outputs, --layers and -o are needed");
    }
    code = model_output_check(&output);
    return code == COMMAND_FINE ? make(&words, &output) : code;
}
