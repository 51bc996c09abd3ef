/* cluster_support.h - for tests: an engine that has what it acknowledges on its disk, and nodes of
 * one cluster on it, each with the model "level" of one input. */
#ifndef CLUSTER_SUPPORT_H
#define CLUSTER_SUPPORT_H

#include "../cluster/engine.h"
#include "daemon.h"

#include <stdbool.h>

enum { NODES = 2, CLUSTER_OPTIONS_MAX = 12 };

#define MODEL   "/v1/models/level"
#define SESSION MODEL "/sessions/pump-7"

struct cluster {
    struct engine engine;
    char url[64];
    struct daemon nodes[NODES];
};

void add_level_model(const struct daemon *daemon);
/* What a node is started with; more: NULL, or further options, which end with NULL. */
void node_options(const struct cluster *cluster, const char *const *more,
                  const char *options[CLUSTER_OPTIONS_MAX]);
/* False: there is no engine here. */
bool cluster_start(struct cluster *cluster, const char *const *more);
/* The same, with an engine that comes back with what it was last told to save. */
bool cluster_start_forgetful(struct cluster *cluster, const char *const *more);
void cluster_stop(struct cluster *cluster);

/* Until a request has that answer, for a minute at most. */
void wait_for(const struct daemon *daemon, const char *method, const char *path, const char *body,
              int code, const char *text);
/* The same of a GET, with 200. */
void wait_until(const struct daemon *daemon, const char *path, const char *text);
/* Both answer alike. */
void expect_same(const struct daemon *one, const struct daemon *other, const char *method,
                 const char *path, const char *body);

#endif
