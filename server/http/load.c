#include "http/load.h"

enum {
    STANDING_PART = 20, /* of the limit for a burst */
    STANDING_STEPS = 16,
    CALM_PART = 4 /* of that time, without a break, ends what is standing */
};

static const double RECENT = 1.0 / 8;      /* the weight of a new figure in a mean */
static const double FIRST_ROW_NS = 5000;   /* until it is known */
static const double FIRST_WORK_NS = 0.1;   /* the same */
static const int64_t LONG_NS = 500 * 1000; /* a shorter turn makes no request wait */
static const int64_t NEVER = INT64_MAX;

void load_init(struct load *load)
{
    *load = (struct load){ .row_ns = FIRST_ROW_NS,
                           .work_ns = FIRST_WORK_NS,
                           .oldest_ns = NEVER,
                           .behind_since_ns = NEVER };
}

/* ---- the limit ---- */

static int64_t standing_ns(const struct load *load)
{
    int64_t part_ns = load->queue_ns / STANDING_PART,
            steps_ns = (int64_t)(STANDING_STEPS * load->step_ns);
    int64_t ns = part_ns > steps_ns ? part_ns : steps_ns;
    return ns < load->queue_ns ? ns : load->queue_ns;
}

static int64_t pending_ns(const struct load *load)
{
    return (int64_t)((double)load->n_rows * load->row_ns);
}

bool load_admits(struct load *load, bool is_heavy, int64_t since_ns, int64_t now_ns)
{
    int64_t since = since_ns > load->oldest_ns ? since_ns : load->oldest_ns;
    int64_t wait_ns = now_ns - since + pending_ns(load);
    if (is_heavy) { /* once others wait for it, its own time counts too */
        return load->level == LOAD_FINE
                   ? wait_ns <= load->queue_ns / 2
                   : wait_ns + (int64_t)load->heavy_ns <= standing_ns(load) / 2;
    }
    load->longest_ns = wait_ns > load->longest_ns ? wait_ns : load->longest_ns;
    int64_t given_ns = load->long_ns > load->before_ns ? load->long_ns : load->before_ns;
    return wait_ns <=
           given_ns + (load->level == LOAD_STANDING ? standing_ns(load) : load->queue_ns);
}

/* ---- turns ---- */

void load_begin(struct load *load, int64_t queue_ns, int64_t now_ns)
{
    load->queue_ns = queue_ns;
    load->began_ns = now_ns;
    load->longest_ns = 0;
    load->before_ns = load->long_ns;
    load->long_ns = 0;
    if (load->oldest_ns != NEVER) {
        return;
    }
    load->oldest_ns = now_ns;
    if (now_ns - load->ended_ns >= load->queue_ns / CALM_PART) { /* it slept: that is keeping up */
        load->behind_since_ns = NEVER;
        load->level = LOAD_FINE;
    }
}

bool load_is_long(const struct load *load, int64_t now_ns)
{
    return now_ns - load->began_ns >= LONG_NS;
}

void load_end(struct load *load, int64_t now_ns, bool has_more)
{
    int64_t left_ns = pending_ns(load);
    int64_t longest_ns = left_ns > load->longest_ns ? left_ns : load->longest_ns;
    if (longest_ns <= standing_ns(load) / 2) {
        load->behind_since_ns = NEVER;
        load->calm_since_ns = load->calm_since_ns < now_ns ? load->calm_since_ns : now_ns;
        if (now_ns - load->calm_since_ns >= load->queue_ns / CALM_PART) {
            load->level = LOAD_FINE;
        }
    } else {
        load->calm_since_ns = NEVER;
        load->behind_since_ns = load->behind_since_ns < now_ns ? load->behind_since_ns : now_ns;
        int64_t behind_ns = now_ns - load->behind_since_ns;
        enum load_level level = behind_ns >= load->queue_ns       ? LOAD_STANDING
                                : behind_ns >= load->queue_ns / 2 ? LOAD_NOTHING_HEAVY
                                                                  : LOAD_FINE;
        load->level = level > load->level ? level : load->level;
    }
    load->oldest_ns = has_more ? load->began_ns : NEVER;
    load->ended_ns = now_ns;
}

/* ---- the work ---- */

void load_take(struct load *load, size_t n_rows)
{
    load->n_rows += n_rows;
}

void load_drop(struct load *load, size_t n_rows)
{
    load->n_rows -= n_rows;
}

void load_take_work(struct load *load, size_t n_work)
{
    load->n_work += n_work;
}

void load_drop_work(struct load *load, size_t n_work)
{
    load->n_work -= n_work;
}

bool load_admits_work(const struct load *load)
{
    return load->level == LOAD_FINE &&
           (int64_t)((double)load->n_work * load->work_ns) <= load->queue_ns / 2;
}

size_t load_rows_at_once(const struct load *load)
{
    double n = (double)standing_ns(load) / 2 / load->row_ns;
    return n > 1 ? (size_t)n : 1;
}

/* One that was interrupted must not count for many: at most it doubles the mean. */
static void measure(double *mean, double ns)
{
    ns = *mean > 0 && ns > 9 * *mean ? 9 * *mean : ns;
    *mean += *mean > 0 ? RECENT * (ns - *mean) : ns;
}

void load_measure_batch(struct load *load, size_t n_steps, size_t n_rows, int64_t ns)
{
    if (n_steps > 0) {
        measure(&load->row_ns, (double)ns / (double)n_rows);
        measure(&load->step_ns, (double)ns / (double)n_steps);
    }
}

void load_measure_heavy(struct load *load, int64_t ns)
{
    load->long_ns = ns > load->long_ns ? ns : load->long_ns;
    measure(&load->heavy_ns, (double)ns);
}

void load_measure_slice(struct load *load, size_t n_work, int64_t ns)
{
    load->began_ns += ns;
    if (n_work > 0) {
        measure(&load->work_ns, (double)ns / (double)n_work);
    }
}
