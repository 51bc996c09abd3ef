/* drift_table.c - how often drift is told where there is none, and how soon where there is some: of
 * errors of several kinds. By hand; docs/DRIFT.md has the table. */
#include "../service/scores/drift_streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAMS = 20, LENGTH = 1000000, TRIALS = 500, PATIENCE = 20000, BEFORE = 5000, SOON = 200 };

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_false(enum error_kind kind, size_t n_sessions)
{
    uint64_t alarms = 0;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct drift_stream stream;
        drift_stream_init(&stream, kind, n_sessions, seed);
        alarms += drift_stream_alarms(&stream, LENGTH);
    }
    printf("| %s | %zu | %.3f |", error_kind_word(kind), n_sessions,
           (double)alarms * 1e5 / ((double)STREAMS * LENGTH));
}

/* Of all trials: half, 99 of 100, and how many were told soon. Never told counts as the longest. */
static void print_delay(enum error_kind kind, size_t n_sessions, enum error_change change)
{
    static uint64_t delays[TRIALS];
    double n_soon = 0;
    for (uint64_t k = 0; k < TRIALS; k++) {
        struct drift_stream stream;
        drift_stream_init(&stream, kind, n_sessions, 1000 + k);
        const uint64_t delay =
            drift_stream_delay(&stream, BEFORE + 50 * n_sessions, change, PATIENCE);
        delays[k] = delay > 0 ? delay : UINT64_MAX;
        n_soon += delays[k] <= SOON;
    }
    qsort(delays, TRIALS, sizeof *delays, ascending);
    const uint64_t shown[] = { delays[TRIALS / 2], delays[TRIALS * 99 / 100] };
    for (size_t k = 0; k < 2; k++) {
        shown[k] < UINT64_MAX ? printf(" %" PRIu64, shown[k]) : printf(" -");
        fputs(" /", stdout);
    }
    printf(" %.1f %% |", 100.0 * n_soon / TRIALS);
}

int main(void)
{
    static const size_t fleets[] = { 1, DRIFT_SESSIONS_MAX };
    printf("| errors | sessions | false in 100 000 |");
    for (enum error_change change = ERRORS_STAY + 1; change < N_ERROR_CHANGES; change++) {
        printf(" %s |", error_change_word(change));
    }
    printf("\n|---|---|---|---|---|---|\n");
    for (size_t f = 0; f < sizeof fleets / sizeof *fleets; f++) {
        for (enum error_kind kind = 0; kind < N_ERROR_KINDS; kind++) {
            print_false(kind, fleets[f]);
            for (enum error_change change = ERRORS_STAY + 1; change < N_ERROR_CHANGES; change++) {
                print_delay(kind, fleets[f], change);
            }
            printf("\n");
            fflush(stdout);
        }
    }
    return 0;
}
