#include "service/sessions/recorder.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/models/catalogue.h"
#include "service/pool/pool.h"
#include "service/pool/record_ring.h"
#include "service/sessions/recorder_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DELETIONS_MAX = RECORDER_BACKLOG_MAX / 4, /* what deletions may take beyond the bound */
    WATERMARK_LAG_MS = 1000,     /* more than from the beginning of a worker's turn to its notes */
    RECOVERED_AT_ONCE = 1 << 20, /* bytes */
    LOG_LOST_MS = 60000
};

/* ---- life ---- */

enum status recorder_create(const struct config *config, struct recorder **ret_recorder,
                            struct fault *fault)
{
    if (config->record == 0) {
        *ret_recorder = NULL;
        return STATUS_OK;
    }
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for recording");
    }
    recorder->rows_max = config->record;
    const bool is_own = config->cluster[0] == '\0';
    enum status status =
        is_own ? recordings_open(config->data, config->record, &recorder->recordings, fault)
               : STATUS_OK;
    if (status != STATUS_OK) {
        free(recorder);
        return status;
    }
    outboxes_init(&recorder->outboxes);
    pthread_mutex_init(&recorder->mutex, NULL);
    *ret_recorder = recorder;
    return STATUS_OK;
}

void recorder_figures(const struct recorder *recorder, uint64_t *ret_n_recorded,
                      uint64_t *ret_n_lost)
{
    *ret_n_recorded =
        recorder ? atomic_load_explicit(&recorder->n_recorded, memory_order_relaxed) : 0;
    *ret_n_lost = recorder ? atomic_load_explicit(&recorder->n_lost, memory_order_relaxed) : 0;
}

size_t recorder_rows_max(const struct recorder *recorder)
{
    return recorder ? recorder->rows_max : 0;
}

void recorder_count(struct recorder *recorder, uint64_t n_recorded, uint64_t n_lost)
{
    if (recorder) {
        atomic_fetch_add_explicit(&recorder->n_recorded, n_recorded, memory_order_relaxed);
        atomic_fetch_add_explicit(&recorder->n_lost, n_lost, memory_order_relaxed);
    }
}

/* ---- workers ---- */

static struct recorder *recorder_of(struct outbox *outbox)
{
    return (struct recorder *)(void *)((char *)outbox->all - offsetof(struct recorder, outboxes));
}

enum status recorder_open_outbox(struct recorder *recorder, struct outbox **ret_outbox)
{
    const bool has_some = recorder && recorder->recordings;
    struct outbox *outbox = has_some ? outbox_open(&recorder->outboxes) : NULL;
    if (has_some && !outbox) {
        return STATUS_NO_MEMORY;
    }
    *ret_outbox = outbox;
    return STATUS_OK;
}

void recorder_close_outbox(struct outbox *outbox)
{
    outbox_close(outbox);
}

void recorder_begin(struct outbox *outbox)
{
    if (outbox) {
        outbox_take_ticket(outbox);
    }
}

/* Of the copy's last reading. */
static double time_of(const struct record_copy *copy)
{
    return copy->gap == RECORD_GAP_UNTIMED ? (double)NAN : copy->last_at;
}

static void put_reading(struct outbox *outbox, const struct recorded *reading)
{
    if (!outbox_put(outbox, reading, RECORDER_BACKLOG_MAX)) {
        atomic_fetch_add_explicit(&recorder_of(outbox)->n_lost, 1, memory_order_relaxed);
    }
}

struct recorded recorder_reading(const char *model, const char *session,
                                 const struct record_life *life, const struct record_copy *copy,
                                 const struct recorder_row *row)
{
    return (struct recorded){ .model = model,
                              .session = session,
                              .step = recorder_number(life, copy->step),
                              .at = time_of(copy),
                              .x = row->x,
                              .n_inputs = row->n_inputs,
                              .y = row->y,
                              .n_outputs = row->n_outputs };
}

void recorder_note(struct outbox *outbox, const char *model, const char *session,
                   const struct record_life *life, const struct record_copy *copy,
                   const struct recorder_row *row)
{
    if (outbox) {
        const struct recorded reading = recorder_reading(model, session, life, copy, row);
        put_reading(outbox, &reading);
    }
}

void recorder_note_step(struct outbox *outbox, const char *model, const char *session,
                        const struct record_life *life, const struct record_copy *copy)
{
    if (outbox) {
        const struct recorded news = { .model = model,
                                       .session = session,
                                       .step = recorder_number(life, copy->step) };
        put_reading(outbox, &news);
    }
}

enum status recorder_note_deletion(struct outbox *outbox, const char *model, const char *session,
                                   struct fault *fault)
{
    if (!outbox) {
        return STATUS_OK;
    }
    outbox_take_ticket(outbox);
    const struct recorded deletion = { .model = model, .session = session };
    if (!outbox_put(outbox, &deletion, (size_t)RECORDER_BACKLOG_MAX + DELETIONS_MAX)) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "no memory to forget what session '%s' recorded", session);
    }
    return STATUS_OK;
}

/* ---- the job thread ---- */

/* Sessions one after the other, which the recordings take in one go, and each in its own order. */
static int by_session(const void *a, const void *b)
{
    const struct note *left = *(const struct note *const *)a;
    const struct note *right = *(const struct note *const *)b;
    int order = strcmp(note_session(left), note_session(right));
    order = order != 0 ? order : strcmp(note_model(left), note_model(right));
    return order != 0 ? order : (left->ticket > right->ticket) - (left->ticket < right->ticket);
}

static size_t gather(struct recorder *recorder, size_t *ret_n_readings)
{
    size_t n = outboxes_gather(&recorder->outboxes, recorder->notes, RECORDER_BATCH);
    qsort(recorder->notes, n, sizeof(struct note *), by_session);
    *ret_n_readings = 0;
    for (size_t k = 0; k < n; k++) {
        const struct note *note = recorder->notes[k];
        recorder->batch[k] = (struct recorded){ .model = note_model(note),
                                                .session = note_session(note),
                                                .step = note->number,
                                                .at = note->at,
                                                .x = note->n_inputs > 0 ? note->x : NULL,
                                                .n_inputs = note->n_inputs,
                                                .y = note_forecast(note),
                                                .n_outputs = note->n_outputs };
        *ret_n_readings += note->n_inputs > 0;
    }
    return n;
}

/* The watermark is a steady time: all steps that sessions made before it have been written. It is
 * kept as the only reading of a session that no client can name. */
static size_t put_watermark(struct recorded *at, int64_t watermark_ms)
{
    static const double nothing = 0;
    at[0] = (struct recorded){ .model = "", .session = "" };
    at[1] = (struct recorded){ .model = "",
                               .session = "",
                               .step = (uint64_t)watermark_ms,
                               .at = (double)NAN,
                               .x = &nothing,
                               .n_inputs = 1 };
    return 2;
}

static enum status write_batch(struct recorder *recorder, size_t n, struct fault *fault)
{
    enum status status = recordings_add(recorder->recordings, recorder->batch, n, fault);
    if (status != STATUS_OK && !recorder->has_failed) {
        log_event(LOG_ERROR, "recording_failed", LOG_STRING("reason", fault->message));
    }
    recorder->has_failed = status != STATUS_OK;
    return status;
}

enum status recorder_write_notes(struct recorder *recorder, int64_t watermark_ms,
                                 struct fault *fault)
{
    outboxes_take(&recorder->outboxes);
    bool is_last = false;
    for (size_t n_all = 0; !is_last;) {
        size_t n_readings;
        size_t n = gather(recorder, &n_readings);
        n_all += n;
        is_last = n < RECORDER_BATCH;
        if (is_last && n_all > 0 && watermark_ms != 0) {
            n += put_watermark(recorder->batch + n, watermark_ms);
        }
        enum status status = n > 0 ? write_batch(recorder, n, fault) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
        outboxes_release(&recorder->outboxes);
        atomic_fetch_add_explicit(&recorder->n_recorded, n_readings, memory_order_relaxed);
    }
    return STATUS_OK;
}

/* Logged here, because a worker must not wait for the reader of the log. */
static void log_lost(struct recorder *recorder, int64_t now_ms)
{
    uint64_t n_lost = atomic_load_explicit(&recorder->n_lost, memory_order_relaxed);
    if (n_lost != recorder->n_lost_logged && now_ms - recorder->lost_logged_at_ms >= LOG_LOST_MS) {
        log_event(LOG_WARN, "recordings_lost",
                  LOG_INT("n", (int64_t)(n_lost - recorder->n_lost_logged)));
        recorder->n_lost_logged = n_lost;
        recorder->lost_logged_at_ms = now_ms;
    }
}

enum status recorder_flush(struct recorder *recorder, struct fault *fault)
{
    if (!recorder) {
        return STATUS_OK;
    }
    int64_t watermark_ms = clock_steady_ms() - WATERMARK_LAG_MS;
    pthread_mutex_lock(&recorder->mutex);
    log_lost(recorder, clock_monotonic_ms());
    enum status status =
        recorder_write_notes(recorder, recorder->is_recovered ? watermark_ms : 0, fault);
    pthread_mutex_unlock(&recorder->mutex);
    return status;
}

/* No thread notes anything any more, so the watermark is exact. */
void recorder_free(struct recorder *recorder)
{
    if (!recorder) {
        return;
    }
    struct fault fault;
    if (recorder_write_notes(recorder, 0, &fault) == STATUS_OK && recorder->is_recovered) {
        (void)write_batch(recorder, put_watermark(recorder->batch, clock_steady_ms()), &fault);
    }
    outboxes_done(&recorder->outboxes);
    pthread_mutex_destroy(&recorder->mutex);
    recordings_close(recorder->recordings);
    free(recorder);
}

/* ---- after a restart ---- */

struct recovery {
    struct recorder *recorder;
    struct outbox *outbox;
    uint64_t watermark_ms;
    size_t n_bytes; /* of the readings that were recovered */
};

/* How many of the last readings that the copy stands for are not recorded. A session that was made
 * with readings (a fork is) and was stepped before its first reading was recorded gains those as
 * well. */
static uint64_t n_missing(const struct record_life *life, const struct record_copy *copy,
                          uint64_t last, size_t n_history)
{
    uint64_t number = recorder_number(life, copy->step);
    if (last >> 32 != number >> 32) {
        return copy->n_readings; /* what is recorded is an earlier session's */
    }
    uint64_t n = last < number ? number - last : 0;
    /* Fewer than are kept, and what is recorded ends just before them: the session's hidden state
     * began anew with the first of them, which is left out so that the sequence ends. */
    n -= n > 0 && n == copy->n_readings && n < n_history;
    return n < copy->n_readings ? n : copy->n_readings;
}

static enum status recover_session(struct recovery *recovery, const struct model *model,
                                   uint32_t slot, struct fault *fault)
{
    const struct record_layout *layout = pool_layout(model->pool, slot);
    char *record = pool_record(model->pool, slot);
    if (!pool_verify(model->pool, slot, clock_steady_ms())) {
        return STATUS_OK; /* damaged: its next step says so */
    }
    const struct record_header *header = record_header_of(record);
    const struct record_copy *copy = record_newest(layout, record);
    char id[SESSION_ID_MAX + 1] = "";
    memcpy(id, header->id, header->n_id);
    uint64_t last;
    enum status status =
        recordings_last_step(recovery->recorder->recordings, model->name, id, &last, fault);
    if (status != STATUS_OK) {
        return status;
    }
    double *x = calloc(layout->n_inputs, sizeof *x);
    if (!x) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for recording");
    }
    for (uint64_t n = n_missing(&header->life, copy, last, layout->n_history); n > 0; n--) {
        recorder_begin(recovery->outbox);
        uint64_t step = copy->step - n + 1;
        record_read_reading(layout, record, step, x);
        const struct recorded reading = { .model = model->name,
                                          .session = id,
                                          .step = recorder_number(&header->life, step),
                                          .at = n == 1 ? time_of(copy) : (double)NAN,
                                          .x = x,
                                          .n_inputs = layout->n_inputs };
        put_reading(recovery->outbox, &reading);
        recovery->n_bytes += layout->n_inputs * sizeof *x;
    }
    free(x);
    bool is_due = atomic_load_explicit(&recovery->recorder->outboxes.n_bytes,
                                       memory_order_relaxed) >= RECOVERED_AT_ONCE;
    return is_due ? recorder_write_notes(recovery->recorder, 0, fault) : STATUS_OK;
}

static enum status recover_pool(struct recovery *recovery, const struct model *model,
                                struct fault *fault)
{
    const struct pool *pool = model->pool;
    enum status status = STATUS_OK;
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE);
         status == STATUS_OK && slot != INDEX_NONE; slot = pool_next_slot(pool, slot)) {
        /* No more can have waited when the process ended. Where there is more, nothing was recorded
         * for a while. */
        if (recovery->n_bytes >= RECORDER_BACKLOG_MAX) {
            break;
        }
        int64_t seen =
            atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
        if ((atomic_load(&pool_slot(pool, slot)->flags) & SLOT_USED) &&
            seen >= (int64_t)recovery->watermark_ms) {
            status = recover_session(recovery, model, slot, fault);
        }
    }
    return status;
}

enum status recorder_recover(struct recorder *recorder, struct service *service,
                             struct fault *fault)
{
    if (!recorder || !recorder->recordings) {
        return STATUS_OK;
    }
    struct recovery recovery = { .recorder = recorder };
    enum status status =
        recordings_last_step(recorder->recordings, "", "", &recovery.watermark_ms, fault);
    recovery.outbox = status == STATUS_OK ? outbox_open(&recorder->outboxes) : NULL;
    if (status == STATUS_OK && !recovery.outbox) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for recording");
    }
    /* Without a watermark nothing was ever recorded: that begins with the steps to come. */
    struct catalogue *catalogue = catalogue_ref(service);
    for (size_t k = 0; status == STATUS_OK && recovery.watermark_ms != 0 && k < catalogue->n_models;
         k++) {
        status = recover_pool(&recovery, catalogue->models[k], fault);
    }
    catalogue_unref(catalogue);
    recorder_close_outbox(recovery.outbox);
    status = status == STATUS_OK ? recorder_write_notes(recorder, 0, fault) : status;
    status = status == STATUS_OK
                 ? write_batch(recorder, put_watermark(recorder->batch, clock_steady_ms()), fault)
                 : status;
    recorder->is_recovered = status == STATUS_OK;
    return status;
}
