/*
 * config_options.h - the table of config.h as an array, for those that read options (config.c),
 * that explain them (config_print.c, the man pages), and that complete them in a shell. Constant.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/config.h"

struct config_option {
    const char *name; /* of the flag and in the file: "session-max" */
    enum option_type type;
    enum option_when when;
    const char *initial; /* the default, as text */
    size_t least, most;  /* of a SIZE */
    const char *choices; /* of a CHOICE: "reject|evict" */
    const char *value;   /* stands for the value in --help: "N"; "": the flag stands alone, for
                          the last of its choices */
    const char *help;
    size_t offset; /* of the field in struct config */
};

enum {
#define CONFIG_COUNT(field, ...) CONFIG_INDEX_##field,
    CONFIG_TABLE(CONFIG_COUNT)
#undef CONFIG_COUNT
        CONFIG_N_OPTIONS
};

extern const struct config_option config_options[CONFIG_N_OPTIONS];

enum { CONFIG_VARIABLE_MAX = 64 };
/* The environment variable of an option: GRUD_SESSION_MAX for session-max. */
void config_variable(const struct config_option *option, char name[CONFIG_VARIABLE_MAX]);

enum { CONFIG_ALLOWED_MAX = 512 };
/* "reject|evict", "1..4096", or "" for a string. */
void config_print_allowed(const struct config_option *option, char text[CONFIG_ALLOWED_MAX]);

#endif
