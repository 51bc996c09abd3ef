/*
 * config_support.h - a configuration read with a file, an environment and flags of a test's own.
 */
#ifndef CONFIG_SUPPORT_H
#define CONFIG_SUPPORT_H

#include "config/config.h"
#include "config/config_options.h"

enum { CONFIG_ERROR_MAX = 1024, LIST_MAX = 8 };

#define LIST(...) ((const char *const[LIST_MAX]){ __VA_ARGS__ })

extern char config_error[CONFIG_ERROR_MAX]; /* of config_read_lists; "untouched": there is none */

bool config_read_lists(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                       struct config *config);
/* That it is refused with these words, and the configuration is left as it was. */
void expect_error(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                  const char *expected);
/* The same with a file of that text, whose name FILE stands for in `expected`. */
void expect_file_error(const char *text, size_t n, const char *expected);
/* That the option then has this value. */
void expect_value(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                  const struct config_option *option, const char *expected);

/* Two allowed values that differ; the first is not the default. */
void option_two_values(const struct config_option *option, char one[100], char other[100]);
/* --name=value, and GRUD_NAME=value, to be freed. */
char *option_flag(const struct config_option *option, const char *value);
char *option_variable(const struct config_option *option, const char *value);

#endif
