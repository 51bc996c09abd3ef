#include "service/models/drift.h"

#include "service/scores/error_totals.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    ROOM = 512,       /* of a buffer: a power of two */
    FORGETS = 100,    /* recent errors: each counts so much less */
    OVER_LEAST = 100, /* errors since it was told, before it may be over */
    THREADS = ERROR_TOTALS_THREADS
};

/* Recent errors that are no larger than this many usual ones are as they were. */
static const double BACK = 1.1;

/* `put` is its thread's, `taken` and `end` are of whoever has the mutex; they only grow. */
struct buffer {
    _Atomic uint32_t put;
    _Alignas(64) _Atomic uint32_t taken;
    uint32_t end; /* up to where it is being taken */
    struct noted {
        float error;
        uint32_t at_ms; /* of the steady clock the last digits: none waits for weeks */
    } noted[ROOM];
};

struct drift {
    _Atomic unsigned n_refs;
    _Atomic unsigned n_threads; /* beyond which no thread has a buffer */
    _Atomic(struct buffer *) buffers[THREADS];

    pthread_mutex_t mutex; /* guards what follows */
    struct drift_watch watch;
    unsigned version; /* that the errors are of; 0: nobody has looked yet */
    double recent;    /* mean of errors, of which each counts less than the next; NaN: none yet */
    double before;    /* while it drifts: the usual error before */
    uint64_t n_since; /* and errors since */
    bool has_changed, has_alarm; /* since the last look */
    struct drift_report report;
};

/* ---- life ---- */

struct drift *drift_create(void)
{
    struct drift *drift = calloc(1, sizeof *drift);
    if (drift && pthread_mutex_init(&drift->mutex, NULL) != 0) {
        free(drift);
        return NULL;
    }
    if (drift) {
        atomic_init(&drift->n_refs, 1);
        drift->recent = NAN;
    }
    return drift;
}

struct drift *drift_ref(struct drift *drift)
{
    atomic_fetch_add(&drift->n_refs, 1);
    return drift;
}

void drift_unref(struct drift *drift)
{
    if (!drift || atomic_fetch_sub(&drift->n_refs, 1) != 1) {
        return;
    }
    for (size_t k = 0; k < THREADS; k++) {
        free(atomic_load(&drift->buffers[k]));
    }
    pthread_mutex_destroy(&drift->mutex);
    free(drift);
}

/* ---- errors: with the mutex held ---- */

static void note_alarm(struct drift *drift, double usual, const struct drift_alarm *alarm,
                       int64_t now_ms)
{
    drift->before = drift->report.is_drifting ? drift->before : usual;
    drift->n_since = 0;
    drift->has_changed = true;
    drift->has_alarm = true;
    drift->report.is_drifting = true;
    drift->report.detected_at_ms = now_ms;
    drift->report.alarm = *alarm;
    drift->report.n_alarms[alarm->detector]++;
    drift->watch = (struct drift_watch){ 0 };
}

static void end_drift(struct drift *drift)
{
    drift->has_changed = drift->has_changed || drift->report.is_drifting;
    drift->report.is_drifting = false;
    drift->watch = (struct drift_watch){ 0 };
}

static void take_error(struct drift *drift, double error, int64_t now_ms)
{
    struct drift_alarm alarm;
    const double usual = drift->watch.usual;
    drift->recent =
        isnan(drift->recent) ? error : drift->recent + (error - drift->recent) / FORGETS;
    if (drift_watch_note(&drift->watch, error, &alarm)) {
        note_alarm(drift, usual, &alarm, now_ms);
    } else if (drift->report.is_drifting && ++drift->n_since >= OVER_LEAST &&
               drift->recent <= BACK * drift->before) {
        end_drift(drift);
    }
}

/* ---- taking what threads have noted: with the mutex held ---- */

static struct buffer *buffer_at(struct drift *drift, unsigned thread)
{
    return atomic_load_explicit(&drift->buffers[thread], memory_order_acquire);
}

/* What comes from now on waits for the next time. */
static void begin_taking(struct drift *drift, unsigned n_threads)
{
    for (unsigned k = 0; k < n_threads; k++) {
        struct buffer *buffer = buffer_at(drift, k);
        if (buffer) {
            buffer->end = atomic_load_explicit(&buffer->put, memory_order_acquire);
        }
    }
}

static const struct noted *next_of(const struct buffer *buffer)
{
    const uint32_t taken = atomic_load_explicit(&buffer->taken, memory_order_relaxed);
    return taken != buffer->end ? &buffer->noted[taken % ROOM] : NULL;
}

/* Whose next error is the oldest; NULL: all are taken. */
static struct buffer *find_oldest(struct drift *drift, unsigned n_threads)
{
    struct buffer *oldest = NULL;
    uint32_t at_ms = 0;
    for (unsigned k = 0; k < n_threads; k++) {
        struct buffer *buffer = buffer_at(drift, k);
        const struct noted *next = buffer ? next_of(buffer) : NULL;
        if (next && (!oldest || (int32_t)(next->at_ms - at_ms) < 0)) {
            oldest = buffer;
            at_ms = next->at_ms;
        }
    }
    return oldest;
}

/* Those of one moment. */
static void take_moment(struct drift *drift, struct buffer *buffer, int64_t now_ms)
{
    uint32_t taken = atomic_load_explicit(&buffer->taken, memory_order_relaxed);
    const uint32_t at_ms = buffer->noted[taken % ROOM].at_ms;
    for (; taken != buffer->end && buffer->noted[taken % ROOM].at_ms == at_ms; taken++) {
        take_error(drift, buffer->noted[taken % ROOM].error, now_ms);
    }
    atomic_store_explicit(&buffer->taken, taken, memory_order_release);
}

/* In the order in which they were made: a session is stepped now by one thread and now by another,
 * and larger errors before smaller ones are something else than the reverse. */
static void take_all(struct drift *drift, int64_t now_ms)
{
    const unsigned n_threads = atomic_load(&drift->n_threads);
    begin_taking(drift, n_threads);
    for (struct buffer *buffer; (buffer = find_oldest(drift, n_threads));) {
        take_moment(drift, buffer, now_ms);
    }
}

/* ---- a thread's own ---- */

/* Before the buffer is there to be seen. */
static void note_thread(struct drift *drift, unsigned thread)
{
    unsigned n = atomic_load(&drift->n_threads);
    while (n <= thread && !atomic_compare_exchange_weak(&drift->n_threads, &n, thread + 1)) {
    }
}

static struct buffer *buffer_of(struct drift *drift, unsigned thread)
{
    struct buffer *buffer = atomic_load_explicit(&drift->buffers[thread], memory_order_relaxed);
    if (!buffer) {
        note_thread(drift, thread);
        buffer = aligned_alloc(_Alignof(struct buffer), sizeof *buffer);
        if (buffer) {
            atomic_init(&buffer->put, 0);
            atomic_init(&buffer->taken, 0);
            buffer->end = 0;
        }
        atomic_store_explicit(&drift->buffers[thread], buffer, memory_order_release);
    }
    return buffer;
}

/* More than half of its buffer is there to be taken; what others have before that, too. */
static void take_for_room(struct drift *drift, int64_t now_ms)
{
    if (pthread_mutex_trylock(&drift->mutex) == 0) {
        take_all(drift, now_ms);
        pthread_mutex_unlock(&drift->mutex);
    }
}

void drift_note(struct drift *drift, unsigned thread, double error, int64_t now_ms)
{
    struct buffer *buffer = thread < THREADS ? buffer_of(drift, thread) : NULL;
    if (!buffer) {
        return;
    }
    const uint32_t put = atomic_load_explicit(&buffer->put, memory_order_relaxed);
    const uint32_t n = put - atomic_load_explicit(&buffer->taken, memory_order_acquire);
    if (n < ROOM) {
        buffer->noted[put % ROOM] =
            (struct noted){ (float)(error < DRIFT_ERROR_MOST ? error : DRIFT_ERROR_MOST),
                            (uint32_t)now_ms };
        atomic_store_explicit(&buffer->put, put + 1, memory_order_release);
    }
    if (n >= ROOM / 2) {
        take_for_room(drift, now_ms);
    }
}

/* ---- looking ---- */

/* What came before the first look is of the version that was active then. */
static bool is_other(const struct drift *drift, unsigned version)
{
    return drift->version != 0 && drift->version != version;
}

static void begin_version(struct drift *drift, unsigned version)
{
    if (is_other(drift, version)) {
        end_drift(drift);
        drift->recent = NAN;
        drift->has_alarm = false;
        drift->report.job.is_put_off = false;
    }
    drift->version = version;
}

bool drift_look(struct drift *drift, unsigned version, int64_t now_ms, bool *ret_has_alarm)
{
    pthread_mutex_lock(&drift->mutex);
    begin_version(drift, version);
    take_all(drift, now_ms);
    const bool has_changed = drift->has_changed;
    *ret_has_alarm = drift->has_alarm;
    drift->has_changed = false;
    drift->has_alarm = false;
    pthread_mutex_unlock(&drift->mutex);
    return has_changed;
}

static double ratio_of(const struct drift *drift)
{
    const double usual = drift->report.is_drifting ? drift->before : drift->watch.usual;
    const bool is_known = drift->report.is_drifting || drift->watch.n >= DRIFT_WATCH_LEAST;
    return is_known && usual > 0 ? drift->recent / usual : (double)NAN;
}

void drift_read(struct drift *drift, unsigned version, struct drift_report *ret_report)
{
    pthread_mutex_lock(&drift->mutex);
    struct drift_report report = drift->report;
    report.ratio = ratio_of(drift);
    if (is_other(drift, version)) {
        report.is_drifting = false;
        report.ratio = NAN;
    }
    pthread_mutex_unlock(&drift->mutex);
    *ret_report = report;
}

const char *drift_report_detector(const struct drift_report *report)
{
    return drift_detector_word(report->alarm.detector);
}

void drift_note_job(struct drift *drift, const struct drift_job *job)
{
    pthread_mutex_lock(&drift->mutex);
    drift->report.job = *job;
    pthread_mutex_unlock(&drift->mutex);
}
