/* Reading options. Each source only says where its names and values stand; set_value checks them
 * all alike.
 */
#include "config/config.h"

#include "base/choice.h"
#include "base/refusal.h"
#include "config/config_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    SOURCE_MAX = 512,
    SHOWN_MAX = 100 /* bytes of a bad name or value */
};

const struct config_option config_options[CONFIG_N_OPTIONS] = {
#define CONFIG_ROW(field, name, type, when, initial, least, most, choices, value, help)            \
    { name, OPTION_##type, OPTION_##when, initial, least,                                          \
      most, choices,       value,         help,    offsetof(struct config, field) },
    CONFIG_TABLE(CONFIG_ROW)
#undef CONFIG_ROW
};

struct config_reader {
    struct config config;             /* strings point into the sources until own_strings */
    unsigned lines[CONFIG_N_OPTIONS]; /* of the file, where each option was given; 0: not yet */
    char source[SOURCE_MAX];          /* of the value at hand, for messages */
    char *file;                       /* the file's text */
    char error[2 * SOURCE_MAX + 2];
};

/* "source: sentence", in one line whatever a value holds; false, for the caller to return. */
__attribute__((format(printf, 2, 3))) static bool fail(struct config_reader *reader,
                                                       const char *format, ...)
{
    char sentence[SOURCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(reader->error, sizeof reader->error, "%s: %s", reader->source, sentence);
    for (char *p = reader->error; *p != '\0'; p++) {
        *p = (char)(iscntrl((unsigned char)*p) ? '?' : *p);
    }
    return false;
}

__attribute__((format(printf, 2, 3))) static void set_source(struct config_reader *reader,
                                                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->source, sizeof reader->source, format, arguments);
    va_end(arguments);
}

/* ---- one option ---- */

static const struct config_option *find_option(const char *name)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        if (strcmp(config_options[i].name, name) == 0) {
            return &config_options[i];
        }
    }
    return NULL;
}

void config_variable(const struct config_option *option, char name[CONFIG_VARIABLE_MAX])
{
    snprintf(name, CONFIG_VARIABLE_MAX, "GRUD_%s", option->name);
    for (char *p = name; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    }
}

/* Decimal digits, nothing else. */
static bool parse_size(const char *text, size_t *ret_value)
{
    size_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (size_t)(*p - '0'), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return *text != '\0';
}

static void *field_of(struct config *config, const struct config_option *option)
{
    return (char *)config + option->offset;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* Quotes are a shell's. Neither the file nor an --env-file has one, and a folder whose name begins
 * with a quote is nobody's. */
static bool refuse_quotes(struct config_reader *reader, const struct config_option *option,
                          const char *value)
{
    size_t n = strlen(value), from = n > 0 && is_quote(value[0]),
           to = n > from && is_quote(value[n - 1]) ? n - 1 : n;
    if (from == 0 && to == n) {
        return true;
    }
    int n_shown = (int)(to - from < SHOWN_MAX ? to - from : SHOWN_MAX);
    return fail(reader, "option '%s' takes its value without quotes: write %.*s, not %.*s",
                option->name, n_shown, value + from, SHOWN_MAX, value);
}

static bool set_value(struct config_reader *reader, const struct config_option *option,
                      const char *value)
{
    void *field = field_of(&reader->config, option);
    if (!refuse_quotes(reader, option, value)) {
        return false;
    }
    switch (option->type) {
    case OPTION_STRING:
        *(const char **)field = value;
        return true;
    case OPTION_SIZE: {
        size_t size;
        if (!parse_size(value, &size) || size < option->least || size > option->most) {
            return fail(reader, "option '%s' takes a whole number from %zu to %zu, not '%.*s'",
                        option->name, option->least, option->most, SHOWN_MAX, value);
        }
        *(size_t *)field = size;
        return true;
    }
    case OPTION_CHOICE: {
        int choice = choice_find(option->choices, value);
        if (choice < 0) {
            return fail(reader, "option '%s' takes one of %s, not '%.*s'", option->name,
                        option->choices, SHOWN_MAX, value);
        }
        *(int *)field = choice;
        return true;
    }
    }
    return false;
}

static bool read_defaults(struct config_reader *reader)
{
    set_source(reader, "default");
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        if (!set_value(reader, &config_options[i], config_options[i].initial)) {
            return false;
        }
    }
    return true;
}

/* ---- flags ---- */

struct flag {
    char name[SHOWN_MAX + 1];
    const char *value;
};

/* Takes the flag at argv[*i] with its value and moves on behind it. */
static bool next_flag(struct config_reader *reader, int argc, char *const argv[], int *i,
                      struct flag *ret_flag)
{
    const char *argument = argv[*i];
    set_source(reader, "command line");
    if (argument[0] != '-' || argument[1] != '-' || argument[2] == '\0') {
        return fail(reader, "expected a flag such as --listen, not '%.*s'", SHOWN_MAX, argument);
    }
    const char *name = argument + 2;
    size_t n_name = strcspn(name, "=");
    snprintf(ret_flag->name, sizeof ret_flag->name, "%.*s",
             (int)(n_name < SHOWN_MAX ? n_name : SHOWN_MAX), name);
    set_source(reader, "flag --%s", ret_flag->name);
    const struct config_option *option = find_option(ret_flag->name);
    if (!option && strcmp(ret_flag->name, "config") != 0) {
        return fail(reader, "there is no such option; grud --help lists all");
    }
    (*i)++;
    if (name[n_name] == '=') {
        ret_flag->value = name + n_name + 1;
        return true;
    }
    if (option && *option->value == '\0') { /* it stands alone */
        ret_flag->value = strrchr(option->choices, '|') + 1;
        return true;
    }
    if (*i == argc) {
        return fail(reader, "its value is missing");
    }
    ret_flag->value = argv[(*i)++];
    return true;
}

static bool read_flags(struct config_reader *reader, int argc, char *const argv[])
{
    struct flag flag = { 0 };
    for (int i = 1; i < argc;) {
        if (!next_flag(reader, argc, argv, &i, &flag)) {
            return false;
        }
        if (strcmp(flag.name, "config") != 0 &&
            !set_value(reader, find_option(flag.name), flag.value)) {
            return false;
        }
    }
    return true;
}

/* ---- environment ---- */

/* The value of `name` if the entry is "name=value", else NULL. */
static const char *value_of(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return strncmp(entry, name, n) == 0 && entry[n] == '=' ? entry + n + 1 : NULL;
}

/* Variables that are not ours to refuse: the library's, and what Kubernetes (and Docker's links)
 * set in every container beside a service called grud: GRUD_SERVICE_HOST, GRUD_PORT,
 * GRUD_PORT_80_TCP_ADDR, ... */
static bool is_foreign_variable(const char *entry)
{
    return value_of(entry, "GRUD_KERNELS") || value_of(entry, "GRUD_PORT") ||
           strncmp(entry, "GRUD_SERVICE_", 13) == 0 ||
           (strncmp(entry, "GRUD_PORT_", 10) == 0 && isdigit((unsigned char)entry[10]));
}

static bool read_variable(struct config_reader *reader, const char *entry)
{
    set_source(reader, "environment variable %.*s", SHOWN_MAX, entry);
    reader->source[strcspn(reader->source, "=")] = '\0';
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        char name[CONFIG_VARIABLE_MAX];
        config_variable(&config_options[i], name);
        const char *value = value_of(entry, name);
        if (value) {
            return set_value(reader, &config_options[i], value);
        }
    }
    return fail(reader, "there is no such option; grud --help lists all");
}

static bool read_environment(struct config_reader *reader, char *const environment[])
{
    for (; *environment; environment++) {
        const char *entry = *environment;
        bool ours = strncmp(entry, "GRUD_", 5) == 0 && !value_of(entry, "GRUD_CONFIG");
        if (ours && !is_foreign_variable(entry) && !read_variable(reader, entry)) {
            return false;
        }
    }
    return true;
}

/* ---- the file ---- */

/* A '#' at the start or after a blank begins a comment; one within a word does not. */
static void cut_comment(char *line)
{
    for (char *p = line; *p != '\0'; p++) {
        if (*p == '#' && (p == line || isspace((unsigned char)p[-1]))) {
            *p = '\0';
            return;
        }
    }
}

/* Cuts the blanks at both ends off, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) {
        end--;
    }
    *end = '\0';
    return text;
}

static bool read_line(struct config_reader *reader, char *line, unsigned number)
{
    cut_comment(line);
    line = trim(line);
    if (*line == '\0') {
        return true;
    }
    char *equals = strchr(line, '=');
    if (!equals) {
        return fail(reader, "expected 'name = value', not '%.*s'", SHOWN_MAX, line);
    }
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    const struct config_option *option = find_option(name);
    if (!option) {
        return fail(reader, "there is no option '%.*s'; grud --help lists all", SHOWN_MAX, name);
    }
    unsigned *given = &reader->lines[option - config_options];
    if (*given != 0) {
        return fail(reader, "option '%s' was already given in line %u", name, *given);
    }
    *given = number;
    return set_value(reader, option, value);
}

/* The whole file into reader->file. */
static bool load_file(struct config_reader *reader, const char *path, size_t *ret_n)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        char why[REFUSAL_MAX];
        return fail(reader, "the configuration file cannot be opened: %s",
                    refusal_print(path, REFUSAL_TO_READ, errno, why));
    }
    reader->file = malloc(FILE_BYTES_MAX + 1);
    size_t n = reader->file ? fread(reader->file, 1, FILE_BYTES_MAX + 1, file) : 0;
    bool failed = !reader->file || ferror(file);
    if (failed) {
        fail(reader, "the configuration file cannot be read: %m");
    }
    fclose(file);
    if (failed) {
        return false;
    }
    if (n > FILE_BYTES_MAX) {
        return fail(reader, "the configuration file is longer than %d bytes", FILE_BYTES_MAX);
    }
    reader->file[n] = '\0';
    *ret_n = n;
    return true;
}

static bool read_file(struct config_reader *reader, const char *path)
{
    size_t n = 0;
    set_source(reader, "%s", path);
    if (!load_file(reader, path, &n)) {
        return false;
    }
    char *end = reader->file + n;
    unsigned number = 1;
    for (char *line = reader->file; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *line_end = newline ? newline : end;
        *line_end = '\0';
        set_source(reader, "%s:%u", path, number);
        if (strlen(line) != (size_t)(line_end - line)) {
            return fail(reader, "the line has a NUL byte");
        }
        if (!read_line(reader, line, number)) {
            return false;
        }
        line = line_end + 1;
    }
    return true;
}

/* The file's path from --config, else from GRUD_CONFIG, else "". */
static bool find_file(struct config_reader *reader, int argc, char *const argv[],
                      char *const environment[], const char **ret_path)
{
    const char *path = "";
    for (; *environment; environment++) {
        const char *value = value_of(*environment, "GRUD_CONFIG");
        path = value ? value : path;
    }
    struct flag flag = { 0 };
    for (int i = 1; i < argc;) {
        if (!next_flag(reader, argc, argv, &i, &flag)) {
            return false;
        }
        path = strcmp(flag.name, "config") == 0 ? flag.value : path;
    }
    *ret_path = path;
    return true;
}

/* ---- all together ---- */

static const char **string_field(struct config *config, const struct config_option *option)
{
    return option->type == OPTION_STRING ? (const char **)field_of(config, option) : NULL;
}

/* Moves the strings into one block of the configuration's own. */
static bool own_strings(struct config_reader *reader)
{
    size_t n_bytes = 1;
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const char **field = string_field(&reader->config, &config_options[i]);
        n_bytes += field ? strlen(*field) + 1 : 0;
    }
    char *next = malloc(n_bytes);
    if (!next) {
        set_source(reader, "configuration");
        return fail(reader, "out of memory");
    }
    reader->config.strings = next;
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const char **field = string_field(&reader->config, &config_options[i]);
        if (field) {
            char *end = stpcpy(next, *field);
            *field = next;
            next = end + 1;
        }
    }
    return true;
}

bool config_read(int argc, char *const argv[], char *const environment[], struct config *ret_config,
                 char *error, size_t n_error)
{
    struct config_reader reader = { 0 };
    const char *path = "";
    bool fine = read_defaults(&reader) && find_file(&reader, argc, argv, environment, &path) &&
                (*path == '\0' || read_file(&reader, path)) &&
                read_environment(&reader, environment) && read_flags(&reader, argc, argv) &&
                own_strings(&reader);
    free(reader.file);
    if (fine) {
        *ret_config = reader.config;
    } else {
        snprintf(error, n_error, "%s", reader.error);
    }
    return fine;
}

/* ---- reading again ---- */

static bool are_equal(const struct config_option *option, void *field, void *other)
{
    switch (option->type) {
    case OPTION_STRING:
        return strcmp(*(const char **)field, *(const char **)other) == 0;
    case OPTION_SIZE:
        return *(size_t *)field == *(size_t *)other;
    case OPTION_CHOICE:
        return *(int *)field == *(int *)other;
    }
    return false;
}

static void take(const struct config_option *option, void *field, void *other)
{
    if (option->type == OPTION_SIZE) {
        atomic_store((_Atomic size_t *)field, *(size_t *)other);
    } else {
        atomic_store((_Atomic int *)field, *(int *)other);
    }
}

void config_take(struct config *config, struct config *next,
                 void (*differs)(const char *name, bool is_taken))
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        void *field = field_of(config, option), *other = field_of(next, option);
        if (!are_equal(option, field, other)) {
            if (option->when == OPTION_LIVE) {
                take(option, field, other);
            }
            differs(option->name, option->when == OPTION_LIVE);
        }
    }
}

void config_done(struct config *config)
{
    if (config) {
        free(config->strings);
        *config = (struct config){ 0 };
    }
}
