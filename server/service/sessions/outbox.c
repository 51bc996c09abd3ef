/*
 * An outbox is a stack of chunks. While its worker writes a note, the pointer to the top is
 * `&busy`; the job thread, which takes the whole stack, waits until it is not.
 */
#include "service/sessions/outbox.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

static struct chunk busy;

/* ---- life ---- */

void outboxes_init(struct outboxes *outboxes)
{
    memset(outboxes, 0, sizeof *outboxes);
    pthread_mutex_init(&outboxes->mutex, NULL);
}

static void free_chunk(struct outboxes *outboxes, struct chunk *chunk)
{
    atomic_fetch_sub_explicit(&outboxes->n_bytes, chunk->size, memory_order_relaxed);
    free(chunk);
}

static void free_chunks(struct outboxes *outboxes, struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free_chunk(outboxes, chunk);
        chunk = next;
    }
}

void outboxes_done(struct outboxes *outboxes)
{
    while (outboxes->newest) {
        struct outbox *outbox = outboxes->newest;
        outboxes->newest = outbox->next;
        free_chunks(outboxes, outbox->first);
        free_chunks(outboxes, outbox->newest);
        free(outbox);
    }
    pthread_mutex_destroy(&outboxes->mutex);
}

struct outbox *outbox_open(struct outboxes *outboxes)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox) {
        outbox->all = outboxes;
        pthread_mutex_lock(&outboxes->mutex);
        outbox->next = outboxes->newest;
        outboxes->newest = outbox;
        pthread_mutex_unlock(&outboxes->mutex);
    }
    return outbox;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox) {
        atomic_store_explicit(&outbox->is_closed, true, memory_order_release);
    }
}

/* ---- workers ---- */

void outbox_take_ticket(struct outbox *outbox)
{
    outbox->ticket = atomic_fetch_add_explicit(&outbox->all->next_ticket, 1, memory_order_acq_rel);
}

/* A chunk with room for a note, on top of the others. */
static struct chunk *add_chunk(struct outboxes *outboxes, struct chunk *below, size_t n_bytes,
                               size_t n_bytes_max)
{
    size_t size = n_bytes > CHUNK_BYTES ? n_bytes : CHUNK_BYTES;
    size_t before = atomic_fetch_add_explicit(&outboxes->n_bytes, size, memory_order_relaxed);
    struct chunk *chunk = before + size <= n_bytes_max ? malloc(sizeof *chunk + size) : NULL;
    if (!chunk) {
        atomic_fetch_sub_explicit(&outboxes->n_bytes, size, memory_order_relaxed);
        return NULL;
    }
    chunk->next = below;
    chunk->size = size;
    chunk->n = 0;
    return chunk;
}

bool outbox_put(struct outbox *outbox, const struct recorded *what, size_t n_bytes_max)
{
    size_t n_x = what->x ? what->n_inputs * sizeof *what->x : 0;
    size_t n_y = what->y ? what->n_outputs * sizeof *what->y : 0;
    size_t n_session = strlen(what->session) + 1;
    size_t n_model = strlen(what->model) + 1;
    size_t unit = _Alignof(struct note);
    size_t n_bytes =
        (sizeof(struct note) + n_x + n_y + n_session + n_model + unit - 1) / unit * unit;
    struct chunk *top = atomic_exchange_explicit(&outbox->newest, &busy, memory_order_acquire);
    bool has_room = top && top->size - top->n >= n_bytes;
    if (!has_room) {
        struct chunk *chunk = add_chunk(outbox->all, top, n_bytes, n_bytes_max);
        has_room = chunk != NULL;
        top = chunk ? chunk : top;
    }
    if (has_room) {
        struct note *note = (struct note *)(void *)((char *)top->notes + top->n);
        note->ticket = outbox->ticket;
        note->number = what->step;
        note->at = what->at;
        note->n_bytes = (uint32_t)n_bytes;
        note->n_inputs = what->x ? (uint32_t)what->n_inputs : 0;
        note->n_outputs = what->y ? (uint32_t)what->n_outputs : 0;
        char *text = (char *)note->x + n_x + n_y;
        if (n_x > 0) {
            memcpy(note->x, what->x, n_x);
        }
        if (n_y > 0) {
            memcpy((char *)note->x + n_x, what->y, n_y);
        }
        memcpy(text, what->session, n_session);
        memcpy(text + n_session, what->model, n_model);
        top->n += n_bytes;
    }
    atomic_store_explicit(&outbox->newest, top, memory_order_release);
    return has_room;
}

/* ---- the job thread ---- */

static struct chunk *take(struct outbox *outbox)
{
    for (;;) {
        struct chunk *newest = atomic_load_explicit(&outbox->newest, memory_order_acquire);
        if (newest != &busy &&
            atomic_compare_exchange_weak_explicit(&outbox->newest, &newest, NULL,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return newest;
        }
        sched_yield();
    }
}

/* Puts what is in an outbox behind what was taken before. */
static void take_from(struct outbox *outbox)
{
    struct chunk *last = take(outbox);
    struct chunk *first = NULL;
    for (struct chunk *chunk = last; chunk;) {
        struct chunk *older = chunk->next;
        chunk->next = first;
        first = chunk;
        chunk = older;
    }
    if (!outbox->first) {
        outbox->first = first;
        outbox->at_first = 0;
        outbox->last = last;
    } else if (first) {
        outbox->last->next = first;
        outbox->last = last;
    }
    outbox->ahead = outbox->first;
    outbox->at_ahead = outbox->at_first;
}

/* Those that were closed, and that have nothing left. */
static void remove_closed(struct outboxes *outboxes)
{
    pthread_mutex_lock(&outboxes->mutex);
    for (struct outbox **link = &outboxes->newest; *link;) {
        struct outbox *outbox = *link;
        bool is_closed = atomic_load_explicit(&outbox->is_closed, memory_order_acquire);
        if (is_closed && !outbox->first &&
            !atomic_load_explicit(&outbox->newest, memory_order_acquire)) {
            *link = outbox->next;
            free(outbox);
        } else {
            link = &outbox->next;
        }
    }
    outboxes->taken = outboxes->newest;
    pthread_mutex_unlock(&outboxes->mutex);
}

void outboxes_take(struct outboxes *outboxes)
{
    /* Before anything is taken (see recorder.h), and before it is settled which outboxes there are:
     * of one that is opened later all tickets are higher. */
    outboxes->until = atomic_load_explicit(&outboxes->next_ticket, memory_order_acquire);
    remove_closed(outboxes);
    for (struct outbox *outbox = outboxes->taken; outbox; outbox = outbox->next) {
        take_from(outbox);
    }
}

/* NULL: all that was taken has been gathered. */
static const struct note *next_note(struct outbox *outbox)
{
    while (outbox->ahead && outbox->at_ahead == outbox->ahead->n) {
        outbox->ahead = outbox->ahead->next;
        outbox->at_ahead = 0;
    }
    return outbox->ahead
               ? (const struct note *)(void *)((char *)outbox->ahead->notes + outbox->at_ahead)
               : NULL;
}

/* The outbox with the lowest ticket: in each of them tickets only grow. */
static struct outbox *next_outbox(struct outboxes *outboxes)
{
    struct outbox *found = NULL;
    uint64_t until = outboxes->until;
    for (struct outbox *outbox = outboxes->taken; outbox; outbox = outbox->next) {
        const struct note *note = next_note(outbox);
        if (note && note->ticket < until) {
            until = note->ticket;
            found = outbox;
        }
    }
    return found;
}

size_t outboxes_gather(struct outboxes *outboxes, const struct note **notes, size_t n_max)
{
    size_t n = 0;
    struct outbox *outbox;
    while (n < n_max && (outbox = next_outbox(outboxes)) != NULL) {
        uint64_t ticket = next_note(outbox)->ticket;
        const struct note *note;
        while (n < n_max && (note = next_note(outbox)) != NULL && note->ticket == ticket) {
            notes[n++] = note;
            outbox->at_ahead += note->n_bytes;
        }
    }
    return n;
}

void outboxes_release(struct outboxes *outboxes)
{
    for (struct outbox *outbox = outboxes->taken; outbox; outbox = outbox->next) {
        (void)next_note(outbox);
        while (outbox->first != outbox->ahead) {
            struct chunk *next = outbox->first->next;
            free_chunk(outboxes, outbox->first);
            outbox->first = next;
        }
        outbox->at_first = outbox->at_ahead;
    }
}
