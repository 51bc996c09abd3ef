/*
 * rule_support.h - for the tests of rules over HTTP: a model `pump`, sessions whose coverage is
 * bad, and what is said of rules. A receiver of webhooks is in receiver.h. Anything that goes wrong
 * in here ends the test.
 */
#ifndef RULE_SUPPORT_H
#define RULE_SUPPORT_H

#include "daemon.h"
#include "receiver.h"

#define RULES "/v1/models/pump/rules"

enum { RULES_SCORED = 130 /* readings until a coverage is known */ };

/* Options with which a receiver on 127.0.0.1 is reached. */
extern const char *const rules_private[];

struct daemon rules_start(const char *const *options);
/* A rule that fires in each session that rules_step has given RULES_SCORED readings. `more`:
 * further members, each with a comma before it. */
void rules_put(const struct daemon *daemon, const char *name, unsigned port, int n_for,
               const char *more, int code);
/* n readings that nobody could forecast. */
void rules_step(const struct daemon *daemon, const char *session, int n);
/* Waits until a GET says so. */
void rules_wait(const struct daemon *daemon, const char *path, const char *text);
/* That a post says "firing" or "resolved". */
void expect_told(const struct received *received, const char *state);

#endif
