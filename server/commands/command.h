/*
 * command.h - the sub-commands of `grud` that do not serve: they print to standard output, complain
 * on standard error, and return the exit code (0 fine, 1 failed, 2 wrong usage or configuration).
 * argv[0] is the sub-command's own name, its arguments follow: main passes argc - 1 and argv + 1.
 * They run before any thread is started.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* grud init --inputs a,b --outputs a --layers 64,32 -o FILE ...: makes an untrained model file;
 * FILE may be -, which is standard output */
int command_init(int argc, char *const argv[]);
/* grud train DATA.csv --inputs a,b --outputs a -o FILE ...: makes a model and trains it on a file
 * of readings */
int command_train(int argc, char *const argv[]);
/* grud predict MODEL DATA.csv: what a model forecasts from a file of readings */
int command_predict(int argc, char *const argv[]);
/* grud evaluate MODEL DATA.csv: how good a model's forecasts are on a file of readings */
int command_evaluate(int argc, char *const argv[]);
/* grud inspect FILE: what a model file holds */
int command_inspect(int argc, char *const argv[]);

/* grud completion bash|zsh|fish: the script that completes command lines of grud in a shell */
int command_completion(int argc, char *const argv[]);
/* The part of `grud --help` that is about sub-commands. */
void commands_print_help(FILE *out);

/* Copies a data directory; on failure the reason is in `fault`. */
typedef enum status backup_directory(const char *data, const char *to, struct fault *fault);
/* grud backup [OPTIONS] TO: a copy of the data directory of the grud that has these options, which
 * may be running. `backup` is of the layer that knows the files. */
int command_backup(int argc, char *const argv[], char *const environment[],
                   backup_directory *backup);

/* Sends a request over a connected, non-blocking socket and puts the beginning of the reply into
 * `reply`: its first line at least. False leaves the reason in errno. */
typedef bool health_ask(int fd, const char *request, size_t n_request, char *reply, size_t size,
                        int64_t deadline_ms);
/* grud --health [URL | OPTIONS]: 0 if a GET of the URL answers 200, else 1 (never 2, which Docker
 * reserves). Without a URL it is /readyz of the grud that has the same options, configuration file
 * and environment. `ask_tls` is for https://, of the layer that can. */
int command_health(int argc, char *const argv[], char *const environment[], health_ask *ask_tls);

#endif
