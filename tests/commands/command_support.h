/* command_support.h - calls a sub-command as main does, and keeps what it prints. */
#ifndef COMMAND_SUPPORT_H
#define COMMAND_SUPPORT_H

struct outcome {
    int code;
    char *out, *err; /* from malloc */
};

/* Calls it with the arguments up to NULL. */
struct outcome run(int (*command)(int, char *const[]), ...);
void outcome_done(struct outcome *outcome);

#define NETWORK "--inputs", "temp,humidity", "--outputs", "temp", "--layers", "8,5"
/* grud init with NETWORK, which must succeed; the further argument may be NULL. */
void init_fine(const char *path, const char *argument, const char *value);

#endif
