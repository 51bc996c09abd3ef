#include "cluster/cluster_counts.h"

#include "cluster/cluster_target.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- words ---- */

const char *cluster_read_word(enum cluster_read_outcome outcome)
{
    static const char *const words[] = {
#define CLUSTER_READ_WORD(name, word) [CLUSTER_READ_##name] = (word),
        CLUSTER_READ_TABLE(CLUSTER_READ_WORD)
#undef CLUSTER_READ_WORD
    };
    return words[outcome];
}

const char *cluster_write_word(enum cluster_write_outcome outcome)
{
    static const char *const words[] = {
#define CLUSTER_WRITE_WORD(name, word) [CLUSTER_WRITE_##name] = (word),
        CLUSTER_WRITE_TABLE(CLUSTER_WRITE_WORD)
#undef CLUSTER_WRITE_WORD
    };
    return words[outcome];
}

void cluster_failure_word(size_t k, char ret_word[CLUSTER_FAILURE_MAX])
{
    const char *word = cluster_trouble_word((enum cluster_trouble)k);
    size_t n = 0;
    for (; word[n] && n + 1 < CLUSTER_FAILURE_MAX; n++) {
        ret_word[n] = (char)tolower((unsigned char)word[n]);
    }
    ret_word[n] = '\0';
}

/* ---- those of a target ---- */

static struct cluster_counts *add(struct cluster_target *target)
{
    struct cluster_counts *counts = calloc(1, sizeof *counts);
    if (!counts) {
        return NULL;
    }
    atomic_store(&counts->is_taken, true);
    counts->next = atomic_load(&target->counts);
    while (!atomic_compare_exchange_weak(&target->counts, &counts->next, counts)) {
    }
    return counts;
}

struct cluster_counts *cluster_counts_take(struct cluster_target *target)
{
    struct cluster_counts *counts = atomic_load(&target->counts);
    while (counts && atomic_exchange(&counts->is_taken, true)) {
        counts = counts->next;
    }
    return counts ? counts : add(target);
}

void cluster_counts_leave(struct cluster_counts *counts)
{
    if (counts) {
        atomic_store(&counts->is_taken, false);
    }
}

void cluster_counts_free(struct cluster_target *target)
{
    struct cluster_counts *counts = atomic_load(&target->counts);
    while (counts) {
        struct cluster_counts *next = counts->next;
        free(counts);
        counts = next;
    }
}

uint64_t cluster_counts_sum(const struct cluster_target *target, size_t at)
{
    uint64_t total = 0;
    for (const struct cluster_counts *counts = atomic_load(&target->counts); counts;
         counts = counts->next) {
        const _Atomic uint64_t *count = (const void *)((const char *)counts + at);
        total += atomic_load_explicit(count, memory_order_relaxed);
    }
    return total;
}
