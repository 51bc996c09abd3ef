/*
 * recorded_list.h - one session's list of recorded readings in the engine of a cluster, from the
 * newest to the oldest, in windows. For recordings_cluster.c, which says what is read while others
 * write. Waits for the engine.
 */
#ifndef RECORDED_LIST_H
#define RECORDED_LIST_H

#include "service/cluster/engine.h"
#include "service/sessions/reading_wire.h"

/* How a thread asks the engine. */
struct recorded_trips {
    struct engine *engine;
    void (*between)(void *arg); /* is called between two trips, since there may be many; or NULL */
    void *arg;
};

struct recorded_list {
    struct recorded_trips trips;
    const char *model;
    struct pool_key key;
    size_t n_inputs; /* of most readings: windows are bounded by their bytes */
    size_t rows_max; /* no more than the newest ones */
    size_t n_window; /* readings of the first window; each later one may have twice as many */
};

/* Takes a reading, which is whole. Returns STATUS_OK; *ret_goes_on: the one before it is wanted. */
typedef enum status recorded_take(void *arg, const struct reading_head *head, const char *bytes,
                                  bool *ret_goes_on, struct fault *fault);

__attribute__((warn_unused_result)) enum status recorded_list_read(const struct recorded_list *list,
                                                                   recorded_take *take, void *arg,
                                                                   struct fault *fault);

#endif
