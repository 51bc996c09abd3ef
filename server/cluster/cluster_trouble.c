#include "cluster/cluster_trouble.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word, *sentence;
    bool may_pass;
} troubles[] = {
#define CLUSTER_TROUBLE_ROW(name, passes, text)                                                    \
    [CLUSTER_IS_##name] = { .word = #name, .sentence = (text), .may_pass = (passes) },
    CLUSTER_TROUBLES(CLUSTER_TROUBLE_ROW)
#undef CLUSTER_TROUBLE_ROW
};

/* The first row that an error begins with counts. */
static const struct {
    const char *begin;
    enum cluster_trouble trouble;
    bool ends; /* another connection may meet another engine, or load the library anew */
} errors[] = {
    { "WRONGPASS", CLUSTER_IS_PASSWORD, true },
    { "ERR invalid password", CLUSTER_IS_PASSWORD, true },
    { "ERR AUTH", CLUSTER_IS_VAIN_PASSWORD, true },
    { "ERR Client sent AUTH", CLUSTER_IS_VAIN_PASSWORD, true },
    { "NOAUTH", CLUSTER_IS_NO_PASSWORD, true },
    { "NOPERM", CLUSTER_IS_PERMISSION, false },
    { "DENIED", CLUSTER_IS_PERMISSION, true },
    { "ERR The user executing the script", CLUSTER_IS_PERMISSION, false }, /* Redis 7.0 */
    { "ERR ACL failure in script", CLUSTER_IS_PERMISSION, false },         /* later ones */
    { "READONLY", CLUSTER_IS_REPLICA, true },
    { "MASTERDOWN", CLUSTER_IS_REPLICA, true },
    { "NOREPLICAS", CLUSTER_IS_NO_REPLICAS, false },
    { "LOADING", CLUSTER_IS_LOADING, true },
    { "BUSY", CLUSTER_IS_BUSY, false },
    { "OOM", CLUSTER_IS_FULL, false },
    { "MISCONF", CLUSTER_IS_DISK, false },
    { "WRONGTYPE", CLUSTER_IS_KEY_TYPE, false },
    { "GRUDEPOCH", CLUSTER_IS_EPOCH, true },
    { "GRUDOTHER", CLUSTER_IS_ANOTHER, true },
    { "MOVED", CLUSTER_IS_SHARDED, true },
    { "ASK", CLUSTER_IS_SHARDED, true },
    { "CROSSSLOT", CLUSTER_IS_SHARDED, true },
    { "CLUSTERDOWN", CLUSTER_IS_SHARDED, true },
    { "ERR SELECT is not allowed", CLUSTER_IS_SHARDED, true },
    { "ERR DB index", CLUSTER_IS_DATABASE, true },
    { "ERR invalid DB index", CLUSTER_IS_DATABASE, true },
    { "ERR unknown command", CLUSTER_IS_TOO_OLD, true },
    { "ERR max number of clients", CLUSTER_IS_CLIENTS, true },
    { "ERR Function not found", CLUSTER_IS_LIBRARY_GONE, true },
};

enum { N_ERRORS = sizeof errors / sizeof *errors };

enum cluster_trouble cluster_reply_trouble(const struct cluster_reply *reply)
{
    if (reply->type != CLUSTER_ERROR) {
        return CLUSTER_IS_NONE;
    }
    for (size_t k = 0; k < N_ERRORS; k++) {
        if (cluster_reply_is(reply, errors[k].begin)) {
            return errors[k].trouble;
        }
    }
    return CLUSTER_IS_REFUSED;
}

bool cluster_trouble_ends(enum cluster_trouble trouble)
{
    for (size_t k = 0; k < N_ERRORS; k++) {
        if (errors[k].trouble == trouble) {
            return errors[k].ends;
        }
    }
    return false;
}

const char *cluster_trouble_word(enum cluster_trouble trouble)
{
    return troubles[trouble].word;
}

enum status cluster_trouble_fault(enum cluster_trouble trouble, const char *details,
                                  struct fault *fault)
{
    enum { DETAILS_MAX = 320 };
    char advice[DETAILS_MAX];
    const bool may_pass = troubles[trouble].may_pass;
    fault_fill(fault, may_pass ? STATUS_STORAGE_FAILED : STATUS_INVALID_VALUE, "cluster", "%s",
               troubles[trouble].sentence);
    if (details && details[0]) {
        snprintf(advice, sizeof advice, " (%s)", details);
        fault_add_advice(fault, advice);
    }
    return fault_status(fault);
}

enum status cluster_reply_fault(const struct cluster_reply *reply, struct fault *fault)
{
    return cluster_trouble_fault(cluster_reply_trouble(reply), reply->text.bytes, fault);
}
