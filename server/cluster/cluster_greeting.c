#include "cluster/cluster_greeting.h"

#include "cluster/cluster_library.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    VERSION_LEAST = 7, /* the first Redis that has functions; Valkey says 7 there, too */
    ROUNDS_MAX = 6,    /* another node may make what is missing at the same time */
    EPOCH_BYTES = 16,
    KEY_MAX = CLUSTER_PREFIX_MAX + 16,
    NUMBER_TEXT = 24
};

static void fail(struct cluster_greeting *greeting, enum cluster_trouble trouble,
                 const char *details)
{
    if (greeting->progress == CLUSTER_GOES_ON) { /* the first is the reason of the others */
        greeting->progress = CLUSTER_FAILED;
        greeting->failure.trouble = trouble;
        snprintf(greeting->failure.details, sizeof greeting->failure.details, "%s", details);
    }
}

static void ask(struct cluster_greeting *greeting, const struct cluster_text *arguments, size_t n,
                cluster_done *done)
{
    if (greeting->queue(greeting->link, arguments, n, done, greeting)) {
        greeting->n_out++;
    } else {
        fail(greeting, CLUSTER_IS_NO_MEMORY, "to greet it");
    }
}

#define ask_with(greeting, done, ...)                                                              \
    ask((greeting), (const struct cluster_text[]){ __VA_ARGS__ },                                  \
        sizeof((const struct cluster_text[]){ __VA_ARGS__ }) / sizeof(struct cluster_text),        \
        (done))

static struct cluster_text text_of(const char *text)
{
    return (struct cluster_text){ .bytes = text, .n = strlen(text) };
}

/* ---- what the engine says of itself ---- */

/* The value of a line "name:value" of INFO, cut to fit; "": there is none. */
static void find_field(const char *info, const char *name, char *value, size_t size)
{
    const size_t n = strlen(name);
    const char *line = info;
    value[0] = '\0';
    while (line) {
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            snprintf(value, size, "%.*s", (int)strcspn(line + n + 1, "\r\n"), line + n + 1);
            return;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
}

static bool has_value(const char *info, const char *name, const char *wanted)
{
    char value[64];
    find_field(info, name, value, sizeof value);
    return strcmp(value, wanted) == 0;
}

static void judge(struct cluster_greeting *greeting, const char *info)
{
    char version[64];
    find_field(info, "redis_version", version, sizeof version);
    if (!isdigit((unsigned char)version[0])) {
        fail(greeting, CLUSTER_IS_NOT_ENGINE, "it tells no redis_version");
    } else if (strtoul(version, NULL, 10) < VERSION_LEAST) {
        fail(greeting, CLUSTER_IS_TOO_OLD, version);
    } else if (has_value(info, "loading", "1")) {
        fail(greeting, CLUSTER_IS_LOADING, "");
    } else if (has_value(info, "redis_mode", "cluster") ||
               has_value(info, "server_mode", "cluster")) {
        fail(greeting, CLUSTER_IS_SHARDED, "");
    } else if (has_value(info, "role", "slave") || has_value(info, "role", "replica")) {
        fail(greeting, CLUSTER_IS_REPLICA, "");
    }
    char most[32], policy[64];
    find_field(info, "maxmemory", most, sizeof most);
    find_field(info, "maxmemory_policy", policy, sizeof policy);
    greeting->may_evict =
        most[0] && strcmp(most, "0") != 0 && policy[0] && strcmp(policy, "noeviction") != 0;
}

/* What the engine calls its process, and what its replicas call the history of its writes. */
static void note_run(struct cluster_greeting *greeting, const char *info)
{
    enum { PART = CLUSTER_RUN_MAX / 2 };
    char process[PART + 1], history[PART + 1];
    find_field(info, "run_id", process, sizeof process);
    find_field(info, "master_replid", history, sizeof history);
    snprintf(greeting->found.run, sizeof greeting->found.run, "%s-%s", process, history);
}

/* Of one library: names and values in turn. */
static bool is_our_library(const struct cluster_reply *library)
{
    for (size_t k = 0; k + 1 < library->n; k += 2) {
        const struct cluster_reply *value = &library->list[k + 1];
        if (cluster_reply_is(&library->list[k], "library_code") && value->type == CLUSTER_TEXT) {
            return value->text.n == cluster_library_n &&
                   memcmp(value->text.bytes, cluster_library_text, cluster_library_n) == 0;
        }
    }
    return false;
}

/* ---- replies ---- */

static void go_on(struct cluster_greeting *greeting, const struct cluster_reply *reply);

/* Whether the reply is one of the type; what else it is becomes the reason to fail. */
static bool is_good(struct cluster_greeting *greeting, const struct cluster_reply *reply,
                    enum cluster_reply_type type)
{
    if (!reply) {
        return false;
    }
    if (reply->type == CLUSTER_ERROR) {
        fail(greeting, cluster_reply_trouble(reply), reply->text.bytes);
        return false;
    }
    if (reply->type != type) {
        fail(greeting, CLUSTER_IS_NOT_ENGINE, "a reply is of another type than it should be");
        return false;
    }
    return true;
}

static void take_plain(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)was_sent;
    (void)is_good(arg, reply, CLUSTER_TEXT);
    go_on(arg, reply);
}

/* A name is for people who look at the engine's clients, and not to have one is no harm. */
static void take_name(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)was_sent;
    go_on(arg, reply);
}

static void take_wait(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)was_sent;
    (void)is_good(arg, reply, CLUSTER_NUMBER);
    go_on(arg, reply);
}

static void take_info(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)was_sent;
    if (is_good(arg, reply, CLUSTER_TEXT)) {
        judge(arg, reply->text.bytes);
        note_run(arg, reply->text.bytes);
    }
    go_on(arg, reply);
}

static void take_library(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct cluster_greeting *greeting = arg;
    (void)was_sent;
    if (is_good(greeting, reply, CLUSTER_LIST)) {
        greeting->has_library = reply->n > 0;
        if (reply->n > 0 && !is_our_library(&reply->list[0])) {
            fail(greeting, CLUSTER_IS_LIBRARY_CHANGED, "");
        }
    }
    go_on(greeting, reply);
}

/* Another node may have been faster. */
static void take_loaded(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct cluster_greeting *greeting = arg;
    (void)was_sent;
    if (reply && reply->type == CLUSTER_ERROR && !strstr(reply->text.bytes, "already exists")) {
        (void)is_good(greeting, reply, CLUSTER_TEXT);
    }
    go_on(greeting, reply);
}

/* Whether it is the epoch, the number of writes, how many of them are left, and if it is healed. */
static bool is_meeting(const struct cluster_reply *reply)
{
    return reply->n == 4 && reply->list[0].type == CLUSTER_TEXT &&
           reply->list[1].type == CLUSTER_NUMBER && reply->list[2].type == CLUSTER_NUMBER &&
           reply->list[3].type == CLUSTER_NUMBER;
}

static void judge_meeting(struct cluster_greeting *greeting, const struct cluster_reply *reply)
{
    const struct cluster_text epoch = reply->list[0].text;
    const int64_t n_left = reply->list[2].number; /* -1: all are */
    const bool is_healed = reply->list[3].number == 1;
    char details[96];
    if (epoch.n == 0 || epoch.n > CLUSTER_EPOCH_MAX || strlen(epoch.bytes) != epoch.n) {
        fail(greeting, CLUSTER_IS_KEY_TYPE, "its epoch is none of grud's");
        return;
    }
    memcpy(greeting->found.epoch, epoch.bytes, epoch.n + 1);
    greeting->found.n_writes = reply->list[1].number;
    greeting->n_left = n_left;
    if (n_left >= 0 && !(is_healed && greeting->admits_loss)) {
        snprintf(details, sizeof details, "%lld writes are left, and this node knows of %lld",
                 (long long)n_left, (long long)greeting->known->n_writes);
        fail(greeting, is_healed ? CLUSTER_IS_HEALS : CLUSTER_IS_LOST, details);
    }
}

static void take_meeting(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct cluster_greeting *greeting = arg;
    (void)was_sent;
    greeting->is_noted = !reply || reply->type != CLUSTER_NUMBER;
    if (greeting->is_noted && is_good(greeting, reply, CLUSTER_LIST)) {
        if (is_meeting(reply)) {
            judge_meeting(greeting, reply);
        } else {
            fail(greeting, CLUSTER_IS_NOT_ENGINE, "a meeting is none");
        }
    }
    go_on(greeting, reply);
}

/* ---- trips ---- */

static void look_for_library(struct cluster_greeting *greeting)
{
    greeting->n_rounds++;
    ask_with(greeting, take_library, CLUSTER_WORD("FUNCTION"), CLUSTER_WORD("LIST"),
             CLUSTER_WORD("LIBRARYNAME"), CLUSTER_WORD(CLUSTER_LIBRARY), CLUSTER_WORD("WITHCODE"));
}

/* False: none can be had. */
static bool draw_epoch(struct cluster_greeting *greeting, char epoch[2 * EPOCH_BYTES + 1])
{
    unsigned char drawn[EPOCH_BYTES];
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn) {
        fail(greeting, CLUSTER_IS_NO_MEMORY, "the system gives no random bytes");
        return false;
    }
    for (size_t i = 0; i < sizeof drawn; i++) {
        snprintf(epoch + 2 * i, 3, "%02x", drawn[i]);
    }
    return true;
}

/* What the node knows, and what is to be compared with it. Only where something is to be noted is
 * the engine asked to write: so one that takes no writes can be read. */
static void meet(struct cluster_greeting *greeting, bool may_note)
{
    const struct cluster_known *known = greeting->known;
    char key[KEY_MAX], n_writes[NUMBER_TEXT], epoch[2 * EPOCH_BYTES + 1];
    snprintf(key, sizeof key, "%sepoch", greeting->target->prefix);
    snprintf(n_writes, sizeof n_writes, "%lld", (long long)known->n_writes);
    greeting->n_rounds++;
    if (!may_note) {
        ask_with(greeting, take_meeting, CLUSTER_WORD("FCALL"), CLUSTER_WORD(CLUSTER_LOOK),
                 CLUSTER_WORD("1"), text_of(key), text_of(known->epoch), text_of(known->run),
                 text_of(n_writes), text_of(greeting->found.run));
    } else if (draw_epoch(greeting, epoch)) {
        ask_with(greeting, take_meeting, CLUSTER_WORD("FCALL"), CLUSTER_WORD(CLUSTER_MEET),
                 CLUSTER_WORD("1"), text_of(key), text_of(known->epoch), text_of(known->run),
                 text_of(n_writes), text_of(greeting->found.run), text_of(epoch),
                 text_of(greeting->target->heals ? "yes" : "no"));
    }
}

/* After a reply: with the last of a trip, the next begins. */
static void go_on(struct cluster_greeting *greeting, const struct cluster_reply *reply)
{
    greeting->n_out--;
    if (!reply) {
        fail(greeting, CLUSTER_IS_ENDED, ""); /* the link knows why */
    }
    if (greeting->n_out > 0 || greeting->progress != CLUSTER_GOES_ON) {
        return;
    }
    if (greeting->found.epoch[0]) {
        greeting->progress = CLUSTER_OVER;
    } else if (greeting->n_rounds == ROUNDS_MAX) {
        fail(greeting, CLUSTER_IS_REFUSED, "what grud puts there does not stay there");
    } else if (!greeting->has_library) {
        ask_with(greeting, take_loaded, CLUSTER_WORD("FUNCTION"), CLUSTER_WORD("LOAD"),
                 (struct cluster_text){ cluster_library_text, cluster_library_n });
        look_for_library(greeting);
    } else {
        meet(greeting, !greeting->is_noted);
    }
}

void cluster_greeting_begin(struct cluster_greeting *greeting, const struct cluster_target *target,
                            const struct cluster_known *known, bool admits_loss,
                            cluster_queue *queue, void *link)
{
    const struct cluster_url *url = &target->url;
    const struct cluster_password *password = cluster_target_password(target);
    char db[16];
    *greeting = (struct cluster_greeting){ .target = target,
                                           .known = known,
                                           .queue = queue,
                                           .link = link,
                                           .is_noted = true, /* as far as is known */
                                           .admits_loss = admits_loss,
                                           .n_left = -1,
                                           .progress = CLUSTER_GOES_ON };
    if (password->is_given && url->user[0]) {
        ask_with(greeting, take_plain, CLUSTER_WORD("AUTH"), text_of(url->user),
                 text_of(password->text));
    } else if (password->is_given) {
        ask_with(greeting, take_plain, CLUSTER_WORD("AUTH"), text_of(password->text));
    }
    snprintf(db, sizeof db, "%u", (unsigned)url->db);
    ask_with(greeting, take_plain, CLUSTER_WORD("SELECT"), text_of(db));
    ask_with(greeting, take_name, CLUSTER_WORD("CLIENT"), CLUSTER_WORD("SETNAME"),
             CLUSTER_WORD("grud"));
    ask_with(greeting, take_info, CLUSTER_WORD("INFO"));
    if (target->n_replicas > 0) { /* whether grud may */
        ask_with(greeting, take_wait, CLUSTER_WORD("WAIT"), CLUSTER_WORD("0"), CLUSTER_WORD("1"));
    }
    look_for_library(greeting);
}
