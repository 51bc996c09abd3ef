/*
 * recorder.h - what sessions record for fine-tuning (--record ROWS), written behind.
 *
 * A worker notes each reading of a completed step in an outbox of its own: a copy, no lock. The job
 * thread takes what is in the outboxes, also those of workers that have nothing to do, and writes
 * it to the recordings in batches. What was not yet written when the process was killed is
 * recovered at the next start from the readings that session records keep. Readings that come
 * faster than they can be written are dropped beyond a bound, and counted; a dropped reading ends a
 * sequence, so none is falsified. A deletion is never dropped.
 *
 * A mutex guards the recordings and what was taken out of the outboxes: the job thread holds it
 * while it writes or reads, and a thread that shows a session's history waits for that.
 *
 * With --cluster the engine has the recordings instead. Readings go there with the writes of their
 * sessions (step_notes.h), so none waits, and they are as exact as the steps.
 *
 * Order: two workers may step one session one after the other, and the job thread comes by at any
 * moment. So each worker takes a ticket while it has the sessions claimed, and notes while it still
 * has them. Of two notes of one session the later has the higher ticket; and when the job thread,
 * before it empties the outboxes, looks at the next ticket to be given out, then below that one it
 * cannot find the later note without the earlier.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include "base/arena.h"
#include "base/status.h"
#include "config/config.h"
#include "service/pool/record.h"
#include "store/job_store.h"
#include "store/recordings.h"

enum { RECORDER_BACKLOG_MAX = 64 << 20 }; /* bytes of notes that wait, of all outboxes together */

struct recorded_trips; /* recorded_list.h: how the thread asks the engine of a cluster */
struct recorder;
struct service;
struct outbox; /* a worker's */

/* NULL in *ret_recorder where --record is 0: all calls below take NULL and do nothing. With
 * --cluster there are no outboxes, and nothing is flushed or recovered. */
__attribute__((warn_unused_result)) enum status
recorder_create(const struct config *config, struct recorder **ret_recorder, struct fault *fault);
/* After all outboxes were closed. Writes what is left. */
void recorder_free(struct recorder *recorder);

/* ---- workers ---- */

__attribute__((warn_unused_result)) enum status recorder_open_outbox(struct recorder *recorder,
                                                                     struct outbox **ret_outbox);
void recorder_close_outbox(struct outbox *outbox); /* what is in it will still be written */
/* Takes the ticket of the notes that follow: after their sessions were claimed. */
void recorder_begin(struct outbox *outbox);
/* What a step took in, and what had been forecast for it (recordings.h). */
struct recorder_row {
    const double *x, *y;
    size_t n_inputs, n_outputs;
};
/* As it is recorded: of the step that `copy` stands for. */
struct recorded recorder_reading(const char *model, const char *session,
                                 const struct record_life *life, const struct record_copy *copy,
                                 const struct recorder_row *row);
/* To be called before the session is released. It has made the step that `copy` stands for. */
void recorder_note(struct outbox *outbox, const char *model, const char *session,
                   const struct record_life *life, const struct record_copy *copy,
                   const struct recorder_row *row);
/* The session is at the step of `copy` without a further reading: it was amended. After
 * recorder_begin, and before the session is released. */
void recorder_note_step(struct outbox *outbox, const char *model, const char *session,
                        const struct record_life *life, const struct record_copy *copy);
/* The session is being deleted, and what it recorded is to be forgotten. On failure it must not be
 * deleted. */
__attribute__((warn_unused_result)) enum status recorder_note_deletion(struct outbox *outbox,
                                                                       const char *model,
                                                                       const char *session,
                                                                       struct fault *fault);

/* ---- the job thread ---- */

/* Writes what was noted. What cannot be written is kept for the next call, within the bound, and
 * that is logged once. */
enum status recorder_flush(struct recorder *recorder, struct fault *fault);
/* At the start, before workers run: recovers from the sessions' records what had not been
 * written. */
enum status recorder_recover(struct recorder *recorder, struct service *service,
                             struct fault *fault);
/* Everything recorded by the job's sessions as series (x only, of two rows at least), after a
 * flush, or with --cluster by `trips`, which are NULL otherwise; memory from the arena. Refused by
 * name: a session that recorded nothing (STATUS_SESSION_NOT_FOUND, "training.sessions[k]"), a
 * prefix that fits none ("training.sessions_prefix"). */
enum status recorder_read(struct recorder *recorder, const struct recorded_trips *trips,
                          const char *model, size_t n_inputs, enum job_source source,
                          const char *const *sessions, size_t n_sessions, size_t bytes_max,
                          struct arena *arena, struct gru_series **ret_series, size_t *ret_n,
                          struct fault *fault);

/* ---- any thread that may wait for the disk ---- */

/* A page of what a session of that life recorded: `first` is ignored, and steps are the session's
 * own. `trips` as above. What was noted so far is written first. Without a recorder there is
 * nothing. */
enum status recorder_read_page(struct recorder *recorder, const struct recorded_trips *trips,
                               const struct record_life *life, struct recordings_page page,
                               struct arena *arena, struct recorded_reading **ret_readings,
                               size_t *ret_n, struct fault *fault);

/* How many readings of a session are kept; 0: none. */
size_t recorder_rows_max(const struct recorder *recorder);

/* Any thread. Readings that the engine has recorded, and that were lost on the way. */
void recorder_count(struct recorder *recorder, uint64_t n_recorded, uint64_t n_lost);
void recorder_figures(const struct recorder *recorder, uint64_t *ret_n_recorded,
                      uint64_t *ret_n_lost);

#endif
