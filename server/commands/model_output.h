/*
 * model_output.h - writes a model that a sub-command has made: the whole file, or nothing. Main's
 * thread. Complaints go to standard error, and what was written is said on standard output.
 */
#ifndef MODEL_OUTPUT_H
#define MODEL_OUTPUT_H

#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where a model shall be written; "-" is standard output, and what is said then goes to standard
 * error. */
struct model_output {
    const char *command, *path;
    bool force; /* a file that is there is replaced */
};

/* Rows of a table of options (command_line.h), whose arguments have an `output`. */
#define MODEL_OUTPUT_OPTIONS(arguments)                                                            \
    { "o",  "FILE",                                                                                \
      NULL, "the model file to write; - is standard output",                                       \
      true, offsetof(arguments, output.path) },                                                    \
    {                                                                                              \
        "force", NULL, NULL, "replace a file that is there", false,                                \
            offsetof(arguments, output.force)                                                      \
    }

/* Refuses a file that is there and is not to be replaced. */
__attribute__((warn_unused_result)) int model_output_check(const struct model_output *output);
/* Before long work: refuses a folder that is not there, or not to be written into. */
__attribute__((warn_unused_result)) int
model_output_check_folder(const struct model_output *output);
/* Where what was made is told. */
FILE *model_output_stream(const struct model_output *output);
/* "PATH: 519 parameters, xxh3:..." */
__attribute__((warn_unused_result)) int model_output_save(const struct model_output *output,
                                                          const struct gru_model *model);

#endif
