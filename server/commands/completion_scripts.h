/*
 * completion_scripts.h - the scripts of `grud completion`, which `make install` puts where shells
 * look: each hands the words of a command line to `grud completion --line`, and offers what that
 * prints (completion.h). Constant.
 */
#ifndef COMPLETION_SCRIPTS_H
#define COMPLETION_SCRIPTS_H

enum { COMPLETION_N_SCRIPTS = 3 };

struct completion_script {
    const char *shell, *path; /* "bash", and the file in the tree that has the same text */
    const char *text;
};

extern const struct completion_script completion_scripts[COMPLETION_N_SCRIPTS];

#endif
