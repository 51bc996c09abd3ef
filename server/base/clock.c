#include "base/clock.h"

#include <stdatomic.h>

int64_t clock_monotonic_us(void)
{
    return clock_monotonic_ns() / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the steady clock ---- */

static _Atomic int64_t base_ms; /* what it is ahead of the time since boot; 0: not begun */
static _Atomic int64_t wall_ahead_s;

static int64_t boot_ms(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* By whichever thread is the first. */
static int64_t begin(void)
{
    int64_t none = 0, base = clock_wall_ms() - boot_ms();
    return atomic_compare_exchange_strong(&base_ms, &none, base) ? base : none;
}

int64_t clock_steady_ms(void)
{
    int64_t base = atomic_load_explicit(&base_ms, memory_order_relaxed);
    return boot_ms() + (base != 0 ? base : begin());
}

int64_t clock_wall_of(int64_t steady_ms)
{
    return steady_ms + atomic_load_explicit(&wall_ahead_s, memory_order_relaxed) * 1000;
}

int64_t clock_steady_of(int64_t wall_ms)
{
    return wall_ms - atomic_load_explicit(&wall_ahead_s, memory_order_relaxed) * 1000;
}

/* In whole seconds, so that times of whole seconds stay so. What remains is half of what would be
 * the next jump. */
int64_t clock_note_jump(void)
{
    enum { JUMP_MS = 1000 };
    int64_t ms = clock_wall_ms() - clock_wall_of(clock_steady_ms());
    if (ms > -JUMP_MS && ms < JUMP_MS) {
        return 0;
    }
    int64_t seconds = (ms + (ms > 0 ? JUMP_MS : -JUMP_MS) / 2) / 1000;
    atomic_fetch_add(&wall_ahead_s, seconds);
    return seconds;
}

struct clock_state clock_read_state(void)
{
    return (struct clock_state){ .steady_ms = clock_steady_ms(),
                                 .boot_ms = boot_ms(),
                                 .wall_ahead_s = atomic_load(&wall_ahead_s) };
}

void clock_set_steady(int64_t steady_ms, int64_t ahead_s)
{
    atomic_store(&base_ms, steady_ms - boot_ms());
    atomic_store(&wall_ahead_s, ahead_s);
}
