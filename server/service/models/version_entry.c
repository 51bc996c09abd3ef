#include "service/models/version_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_METRICS = 6, WORD_MAX = 40 };

/* ---- out ---- */

struct version_entry version_entry_of(const struct version *version, size_t n_file)
{
    struct version_entry entry = { .number = version->number,
                                   .digest = version->digest,
                                   .n_file = n_file,
                                   .created_at_ms = version->created_at_ms,
                                   .parent = version->parent,
                                   .metrics = version->metrics };
    snprintf(entry.job, sizeof entry.job, "%s", version->job);
    return entry;
}

static void list_metrics(const struct job_metrics *metrics, double list[N_METRICS])
{
    list[0] = metrics->train_loss;
    list[1] = metrics->valid_loss;
    list[2] = metrics->baseline_valid_loss;
    list[3] = metrics->persistence_valid_loss;
    list[4] = metrics->train_accuracy;
    list[5] = metrics->valid_accuracy;
}

size_t version_entry_print(const struct version_entry *entry, char text[VERSION_ENTRY_MAX])
{
    double metrics[N_METRICS];
    int n = snprintf(text, VERSION_ENTRY_MAX,
                     "%016" PRIx64 "%016" PRIx64 " %" PRIu64 " %" PRId64 " %u %s",
                     entry->digest.high, entry->digest.low, entry->n_file, entry->created_at_ms,
                     entry->parent, entry->job[0] ? entry->job : "-");
    list_metrics(&entry->metrics, metrics);
    for (size_t k = 0; k < N_METRICS; k++) {
        n += snprintf(text + n, VERSION_ENTRY_MAX - (size_t)n, " %.17g", metrics[k]);
    }
    return (size_t)n;
}

/* ---- in ---- */

/* The next word; false: there is none, or it is too long. */
static bool take(const char **at, char word[WORD_MAX])
{
    const char *begin = *at + strspn(*at, " ");
    const size_t n = strcspn(begin, " ");
    *at = begin + n;
    if (n == 0 || n >= WORD_MAX) {
        return false;
    }
    memcpy(word, begin, n);
    word[n] = '\0';
    return true;
}

static bool take_digest(const char **at, struct digest *ret_digest)
{
    enum { DIGITS = 32, HALF = 16 };
    char word[WORD_MAX], half[HALF + 1];
    if (!take(at, word) || strlen(word) != DIGITS || strspn(word, "0123456789abcdef") != DIGITS) {
        return false;
    }
    snprintf(half, sizeof half, "%.*s", HALF, word);
    ret_digest->high = strtoull(half, NULL, 16);
    ret_digest->low = strtoull(word + HALF, NULL, 16);
    return true;
}

static bool take_count(const char **at, uint64_t most, uint64_t *ret_count)
{
    enum { DIGITS_MAX = 18 };
    char word[WORD_MAX];
    if (!take(at, word) || strlen(word) > DIGITS_MAX ||
        strspn(word, "0123456789") != strlen(word)) {
        return false;
    }
    *ret_count = strtoull(word, NULL, 10);
    return *ret_count <= most;
}

static bool take_job(const char **at, char job[JOB_ID_MAX + 1])
{
    char word[WORD_MAX];
    if (!take(at, word) || strlen(word) > JOB_ID_MAX) {
        return false;
    }
    const char *id = strcmp(word, "-") == 0 ? "" : word;
    memcpy(job, id, strlen(id) + 1);
    return true;
}

static bool take_metrics(const char **at, struct job_metrics *metrics)
{
    double list[N_METRICS];
    char word[WORD_MAX], *end;
    for (size_t k = 0; k < N_METRICS; k++) {
        if (!take(at, word)) {
            return false;
        }
        list[k] = strtod(word, &end);
        if (end == word || *end) {
            return false;
        }
    }
    *metrics = (struct job_metrics){ list[0], list[1], list[2], list[3], list[4], list[5] };
    return true;
}

static bool take_all(const char *at, struct version_entry *entry)
{
    uint64_t created_at_ms, parent;
    bool is_whole = take_digest(&at, &entry->digest) && take_count(&at, SIZE_MAX, &entry->n_file) &&
                    take_count(&at, INT64_MAX, &created_at_ms) &&
                    take_count(&at, UINT32_MAX, &parent) && take_job(&at, entry->job) &&
                    take_metrics(&at, &entry->metrics);
    if (is_whole) {
        entry->created_at_ms = (int64_t)created_at_ms;
        entry->parent = (unsigned)parent;
    }
    return is_whole;
}

void version_entry_read(const char *text, size_t n, struct version_entry *ret_entry)
{
    struct version_entry entry = { .number = ret_entry->number, .is_deleted = n == 0 };
    if (n > 0 && !take_all(text, &entry)) {
        entry = (struct version_entry){ .number = entry.number, .is_damaged = true };
    }
    *ret_entry = entry;
}
