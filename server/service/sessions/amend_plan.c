#include "service/sessions/amend_plan.h"

#include "service/pool/record_ring.h"
#include "service/sessions/step_time.h"
#include "service/sessions/steps.h"

#include <math.h>
#include <string.h>

/* A session's readings behind its base, and the step's, on their way to a plan. */
struct planning {
    struct step *step;
    const struct record_layout *layout;
    const struct record_copy *now;
    const struct record_base *base;
    double interval_seconds;
    size_t gap_max;
    struct amend_row *kept; /* [n] */
    size_t n;
    uint64_t first;  /* the step of kept[0] */
    double *missing; /* [I] */
};

static enum status no_memory(struct step *step)
{
    return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory to amend the session");
}

/* ---- what there is ---- */

static size_t filled_before(const struct record_stamp *stamp)
{
    return stamp->gap <= RECORD_GAP_FILLED_MAX ? stamp->gap : 0;
}

/* Copies: the ring may have moved on before the plan is done. */
static bool read_kept(struct planning *planning, char *record)
{
    const struct record_layout *layout = planning->layout;
    struct arena *arena = planning->step->arena;
    const size_t n = planning->n, n_inputs = layout->n_inputs;
    double *x = arena_array(arena, (n + 1) * n_inputs, sizeof *x);
    planning->kept = arena_array(arena, n + 1, sizeof *planning->kept);
    if (!x || !planning->kept) {
        return false;
    }
    planning->missing = x + n * n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        planning->missing[i] = NAN;
    }
    for (size_t k = 0; k < n; k++, x += n_inputs) {
        const uint64_t step = planning->first + k;
        record_read_reading(layout, record, step, x);
        planning->kept[k] =
            (struct amend_row){ .x = x, .stamp = record_read_stamp(layout, record, step) };
    }
    size_t n_filled = 0;
    for (size_t k = n; k > 0; k--) {
        planning->kept[k - 1].is_filled = n_filled > 0;
        n_filled = n_filled > 0 ? n_filled - 1 : filled_before(&planning->kept[k - 1].stamp);
    }
    return true;
}

static bool has_time(const struct amend_row *row)
{
    return !row->is_filled && row->stamp.gap != RECORD_GAP_UNTIMED && !isnan(row->stamp.last_at);
}

/* The first with a time that is not before that one; n: there is none. */
static size_t find(const struct planning *planning, double at)
{
    size_t k = 0;
    while (k < planning->n &&
           (!has_time(&planning->kept[k]) || planning->kept[k].stamp.last_at < at)) {
        k++;
    }
    return k;
}

/* ---- what is refused ---- */

static enum status too_late(const struct planning *planning)
{
    struct step *step = planning->step;
    if (planning->n == 0) {
        return fault_set(&step->fault, STATUS_TOO_LATE, step->amends_step > 0 ? "step" : "at",
                         "nothing that session '%s' has taken in can be amended any more: it was "
                         "put, forked or brought to another version since",
                         step->session);
    }
    return fault_set(&step->fault, STATUS_TOO_LATE, step->amends_step > 0 ? "step" : "at",
                     "this reading of session '%s' is before those that can be amended: the "
                     "oldest of them is step %llu (--session-history says how many there are)",
                     step->session, (unsigned long long)planning->first);
}

static enum status wrong_seq(const struct planning *planning, uint64_t number)
{
    struct step *step = planning->step;
    fault_set(&step->fault, STATUS_SEQUENCE_MISMATCH, "seq",
              "by its time this reading of session '%s' is step %llu, not %llu", step->session,
              (unsigned long long)number, (unsigned long long)step->seq);
    step->fault.has_expected = true;
    step->fault.expected = number;
    return fault_status(&step->fault);
}

/* ---- rows of the plan ---- */

static void put(struct amend_plan *plan, const struct amend_row *row)
{
    plan->rows[plan->n_rows++] = *row;
}

/* n missing readings between two times, as step_place_note_time has them. */
static void put_missing(const struct planning *planning, struct amend_plan *plan, double from,
                        double to, size_t n)
{
    for (; n > 0; n--) {
        from += (to - from) / (double)(n + 1);
        const struct amend_row row = { .x = planning->missing,
                                       .stamp = { .last_at = from },
                                       .is_filled = true };
        put(plan, &row);
    }
}

/* A reading with what is missing before it; the hidden state begins anew where that is too much. */
static void put_timed(const struct planning *planning, struct amend_plan *plan,
                      const struct record_stamp *before, struct amend_row row,
                      const struct step_time *time)
{
    put_missing(planning, plan, before->last_at, row.stamp.last_at, time->n_missing);
    row.stamp.gap = time->is_restart ? RECORD_GAP_RESTARTED : (uint32_t)time->n_missing;
    row.is_filled = false;
    plan->first = time->is_restart ? plan->n_rows : plan->first;
    put(plan, &row);
}

static bool make_room(struct planning *planning, size_t n_more, struct amend_plan *plan)
{
    *plan = (struct amend_plan){ .n_before = planning->n };
    plan->rows = arena_array(planning->step->arena, planning->n + n_more, sizeof *plan->rows);
    return plan->rows != NULL;
}

/* ---- the two ways ---- */

static enum status replace(struct planning *planning, size_t k, struct amend_plan *plan)
{
    if (planning->step->has_seq && planning->step->seq != planning->first + k) {
        return wrong_seq(planning, planning->first + k);
    }
    if (!make_room(planning, 0, plan)) {
        return no_memory(planning->step);
    }
    memcpy(plan->rows, planning->kept, planning->n * sizeof *plan->rows);
    plan->n_rows = planning->n;
    plan->rows[k].x = planning->step->x;
    plan->at = k;
    return STATUS_OK;
}

static struct step_time time_after(const struct planning *planning,
                                   const struct record_stamp *before, double at)
{
    const struct step_clock clock = { .last_at = before->last_at,
                                      .is_untimed = before->gap == RECORD_GAP_UNTIMED,
                                      .interval_seconds = planning->interval_seconds,
                                      .gap_max = planning->gap_max };
    return step_time_of(&clock, at);
}

/* In the place of kept[k], which is filled and before kept[next]; what is filled there begins with
 * kept[begin]. */
static void take_place(size_t k, size_t begin, size_t next, struct step_time *to,
                       struct step_time *from)
{
    to->is_restart = from->is_restart = false;
    to->n_missing = k - begin;
    from->n_missing = next - k - 1;
}

/* Before kept[next], in the place `k` if that is one of those that are filled before it. */
static enum status insert(struct planning *planning, double at, size_t next, size_t k,
                          struct amend_plan *plan)
{
    const struct amend_row *after = &planning->kept[next];
    const size_t n_filled = filled_before(&after->stamp);
    const size_t begin = n_filled < next ? next - n_filled : 0;
    const struct record_stamp base = { planning->base->last_at, planning->base->gap };
    const struct record_stamp *before = begin > 0 ? &planning->kept[begin - 1].stamp : &base;
    const struct record_stamp own = { .last_at = at };
    struct step_time to = time_after(planning, before, at);
    struct step_time from = time_after(planning, &own, after->stamp.last_at);
    if (k >= begin && k < next) {
        take_place(k, begin, next, &to, &from);
    } else if (planning->step->has_seq &&
               planning->step->seq != planning->first + begin + to.n_missing) {
        return wrong_seq(planning, planning->first + begin + to.n_missing);
    }
    /* The base is a fresh state then, which is not what was there before. */
    if (after->stamp.gap == RECORD_GAP_RESTARTED && !to.is_restart) {
        return too_late(planning);
    }
    if (!make_room(planning, 1 + to.n_missing + from.n_missing, plan)) {
        return no_memory(planning->step);
    }
    for (size_t i = 0; i < begin; i++) {
        put(plan, &planning->kept[i]);
    }
    const struct amend_row row = { .x = planning->step->x, .stamp = own };
    put_timed(planning, plan, before, row, &to);
    plan->at = plan->n_rows - 1;
    put_timed(planning, plan, &own, *after, &from);
    for (size_t i = next + 1; i < planning->n; i++) {
        put(plan, &planning->kept[i]);
    }
    return STATUS_OK;
}

/* ---- the plan ---- */

static enum status plan_step(struct planning *planning, struct amend_plan *plan)
{
    struct step *step = planning->step;
    if (step->amends_step > planning->now->step) {
        return fault_set(&step->fault, STATUS_INVALID_VALUE, "step",
                         "session '%s' has made %llu steps, so none of the number %llu can be "
                         "amended",
                         step->session, (unsigned long long)planning->now->step,
                         (unsigned long long)step->amends_step);
    }
    if (step->amends_step < planning->first) {
        return too_late(planning);
    }
    const size_t k = (size_t)(step->amends_step - planning->first);
    size_t next = k;
    while (planning->kept[next].is_filled) {
        next++;
    }
    return next == k ? replace(planning, k, plan)
                     : insert(planning, planning->kept[k].stamp.last_at, next, k, plan);
}

static enum status plan_time(struct planning *planning, struct amend_plan *plan)
{
    const struct step *step = planning->step;
    const size_t next = find(planning, step->at);
    if (next == planning->n || planning->base->last_at >= step->at) {
        return too_late(planning);
    }
    if (planning->kept[next].stamp.last_at == step->at) {
        return replace(planning, next, plan);
    }
    const bool has_place = step->has_seq && step->seq >= planning->first;
    return insert(planning, step->at, next,
                  has_place ? (size_t)(step->seq - planning->first) : SIZE_MAX, plan);
}

enum status amend_plan_make(struct step *step, const struct record_layout *layout, char *record,
                            const struct gru_info *info, size_t gap_max,
                            struct amend_plan *ret_plan)
{
    struct record_copy *now = record_newest(layout, record);
    struct record_base *base = record_base_of(layout, now);
    struct planning planning = { .step = step,
                                 .layout = layout,
                                 .now = now,
                                 .base = base,
                                 .interval_seconds = info->interval_seconds,
                                 .gap_max = info->missing == GRU_MISSING_ERROR ? 0 : gap_max,
                                 .n = base->n_since,
                                 .first = now->step - base->n_since + 1 };
    if (!read_kept(&planning, record)) {
        return no_memory(step);
    }
    return step->amends_step > 0 ? plan_step(&planning, ret_plan) : plan_time(&planning, ret_plan);
}
