/*
 * cluster_trouble.h - THE table of what keeps the engine from being used: the sentence for it,
 * whether it may pass by itself, and by which errors of the engine it shows. Pure; any thread.
 */
#ifndef CLUSTER_TROUBLE_H
#define CLUSTER_TROUBLE_H

#include "base/status.h"
#include "cluster/cluster_library.h"
#include "cluster/cluster_reply.h"

#include <stdbool.h>

enum { CLUSTER_PASSES = 1, CLUSTER_STAYS = 0 };

/*    name         may it pass     sentence, which its details follow */
#define CLUSTER_TROUBLES(X)                                                                        \
    X(NONE, CLUSTER_PASSES, "nothing is wrong")                                                    \
    X(CONNECTING, CLUSTER_PASSES, "the cluster's engine was not reached yet")                      \
    X(NO_MEMORY, CLUSTER_PASSES, "there is not enough memory for the cluster's engine")            \
    X(UNKNOWN_HOST, CLUSTER_PASSES, "the host of the cluster's engine is not found")               \
    X(AWAY, CLUSTER_PASSES, "the cluster's engine cannot be reached")                              \
    X(SLOW, CLUSTER_PASSES, "the cluster's engine did not answer within --cluster-timeout-ms")     \
    X(ENDED, CLUSTER_PASSES, "the cluster's engine ended the connection")                          \
    X(LOADING, CLUSTER_PASSES, "the cluster's engine has started and is still reading its data")   \
    X(BUSY, CLUSTER_PASSES, "the cluster's engine is busy with somebody's script")                 \
    X(CLIENTS, CLUSTER_PASSES, "the cluster's engine has no room for another client")              \
    X(FULL, CLUSTER_PASSES,                                                                        \
      "the memory of the cluster's engine is full: raise its maxmemory or delete sessions")        \
    X(DISK, CLUSTER_PASSES, "the cluster's engine cannot write to its disk and takes nothing new") \
    X(REPLICA, CLUSTER_PASSES,                                                                     \
      "the cluster's engine is a replica and cannot be written to: --cluster must name the "       \
      "primary")                                                                                   \
    X(NO_REPLICAS, CLUSTER_PASSES, "the cluster's engine has fewer replicas than it needs")        \
    X(LATE_REPLICAS, CLUSTER_PASSES,                                                               \
      "fewer replicas of the cluster's engine than --cluster-replicas have taken this in half of " \
      "--cluster-timeout-ms, so whether it outlasts the engine is not known; with `seq` it is "    \
      "safe to send it again")                                                                     \
    X(LIBRARY_GONE, CLUSTER_PASSES, "somebody removed grud's functions from the cluster's engine") \
    X(EPOCH, CLUSTER_PASSES, "the cluster's engine came back, and is to be met anew")              \
    X(LOST, CLUSTER_PASSES,                                                                        \
      "the cluster's engine came back without writes that it had acknowledged, and no session is " \
      "served: give it its data back, or accept the loss (docs/CLUSTER.md)")                       \
    X(HEALS, CLUSTER_PASSES,                                                                       \
      "the cluster's engine came back without writes that it had acknowledged, and the nodes "     \
      "give "                                                                                      \
      "it back what they have: send this again in some seconds")                                   \
    X(ANOTHER, CLUSTER_PASSES,                                                                     \
      "the cluster's engine is another one than before, without what was written to that: give "   \
      "grud the right one, or start it again to take this one as it is")                           \
    X(NOT_TLS, CLUSTER_STAYS,                                                                      \
      "the cluster's engine does not speak TLS on that port: --cluster must begin with "           \
      "redis://, or name its TLS port")                                                            \
    X(TLS_NAME, CLUSTER_STAYS,                                                                     \
      "the certificate of the cluster's engine is of another host than --cluster names")           \
    X(TLS_AUTHORITY, CLUSTER_STAYS,                                                                \
      "the certificate of the cluster's engine is signed by an authority that is not trusted: "    \
      "--cluster-ca must name it")                                                                 \
    X(TLS_CERTIFICATE, CLUSTER_STAYS, "the certificate of the cluster's engine is not good")       \
    X(TLS_FAILED, CLUSTER_PASSES, "no TLS connection comes about with the cluster's engine")       \
    X(NOT_ENGINE, CLUSTER_STAYS, "what answers where --cluster points is no Redis or Valkey")      \
    X(TOO_LARGE, CLUSTER_PASSES, "the cluster's engine answered with more than grud takes")        \
    X(PASSWORD, CLUSTER_STAYS,                                                                     \
      "the cluster's engine knows no such user, or another password: see --cluster-password-file") \
    X(NO_PASSWORD, CLUSTER_STAYS,                                                                  \
      "the cluster's engine asks for a password: --cluster-password-file must name its file")      \
    X(VAIN_PASSWORD, CLUSTER_STAYS,                                                                \
      "the cluster's engine has no password, and grud was given one: is it the right engine?")     \
    X(PERMISSION, CLUSTER_STAYS, "the cluster's engine does not permit its user what grud needs")  \
    X(DATABASE, CLUSTER_STAYS, "the cluster's engine has no database of that number")              \
    X(TOO_OLD, CLUSTER_STAYS,                                                                      \
      "the cluster's engine is too old: it has no functions, which Redis has since 7.0 and "       \
      "Valkey always had")                                                                         \
    X(SHARDED, CLUSTER_STAYS,                                                                      \
      "the cluster's engine is in its own cluster mode, which grud does not use: --cluster must "  \
      "name an engine that stands alone or has replicas")                                          \
    X(LIBRARY_CHANGED, CLUSTER_STAYS,                                                              \
      "the function library " CLUSTER_LIBRARY                                                      \
      " of the cluster's engine was changed by somebody else: delete it there with FUNCTION "      \
      "DELETE " CLUSTER_LIBRARY ", and grud loads its own")                                        \
    X(KEY_TYPE, CLUSTER_STAYS,                                                                     \
      "a key of grud's in the cluster's engine is of another type: another program uses it, and "  \
      "--cluster-prefix or the database must differ")                                              \
    X(REFUSED, CLUSTER_PASSES, "the cluster's engine refused a command")

enum cluster_trouble {
#define CLUSTER_TROUBLE_ID(name, may_pass, sentence) CLUSTER_IS_##name,
    CLUSTER_TROUBLES(CLUSTER_TROUBLE_ID)
#undef CLUSTER_TROUBLE_ID
        CLUSTER_N_TROUBLES
};

/* What an error of the engine means; NONE: the reply is no error. */
enum cluster_trouble cluster_reply_trouble(const struct cluster_reply *reply);
/* Whether the connection must be made anew after it, since the engine may have become unfit. */
bool cluster_trouble_ends(enum cluster_trouble trouble);
/* A word for it: "TOO_OLD". */
const char *cluster_trouble_word(enum cluster_trouble trouble);

/* The sentence. What stands in `details` (NULL: nothing) is for the operator alone. A trouble that
 * may pass is STATUS_STORAGE_FAILED, one that stays STATUS_INVALID_VALUE of the option cluster. */
enum status cluster_trouble_fault(enum cluster_trouble trouble, const char *details,
                                  struct fault *fault);
/* The same of an error of the engine, in whose words the details are. */
enum status cluster_reply_fault(const struct cluster_reply *reply, struct fault *fault);

#endif
