/*
 * recordings_cluster.h - with --cluster, what recordings.h reads, of what the engine keeps. Waits
 * for the engine: on threads that may, each with an engine of its own.
 *
 * A list is read in windows, the newest first, while other nodes go on to write: what is recorded
 * meanwhile is not read, and what is dropped meanwhile is missing at the beginning. So it is always
 * an unbroken part of what there was when it was begun.
 */
#ifndef RECORDINGS_CLUSTER_H
#define RECORDINGS_CLUSTER_H

#include "service/sessions/recorded_list.h"
#include "store/recordings.h"

/* As recordings_read. The memory for one session's readings is taken twice. */
__attribute__((warn_unused_result)) enum status
recordings_cluster_read(const struct recorded_trips *trips, size_t rows_max, const char *model,
                        const char *session, bool is_prefix, size_t n_inputs, size_t bytes_max,
                        struct arena *arena, struct recording **ret_recordings, size_t *ret_n,
                        struct fault *fault);
/* As recordings_read_page. */
__attribute__((warn_unused_result)) enum status
recordings_cluster_read_page(const struct recorded_trips *trips, size_t rows_max,
                             const struct recordings_page *page, struct arena *arena,
                             struct recorded_reading **ret_readings, size_t *ret_n,
                             struct fault *fault);

#endif
