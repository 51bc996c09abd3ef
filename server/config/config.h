/*
 * config.h - THE table of options: configuration file, GRUD_* environment, flags, --help and
 * config/grud.conf and the man pages all come from it. A leaf; filled in main before the first
 * thread. Afterwards only config_take writes, and only to LIVE options, which are atomic.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_type { OPTION_STRING, OPTION_SIZE, OPTION_CHOICE };
enum option_when { OPTION_START, OPTION_LIVE };

/* The words of a CHOICE, in the order of its values; LOG_LEVELS and LOG_FORMATS are the log's. */
#define CONFIG_ANSWERS(F, X)    F(CONFIG_NO, "no") X(CONFIG_YES, "yes")
#define CONFIG_FULL_MODES(F, X) F(CONFIG_REJECT, "reject") X(CONFIG_EVICT, "evict")
#define CONFIG_DRIFT_MODES(F, X)                                                                   \
    F(CONFIG_DRIFT_OFF, "off") X(CONFIG_DRIFT_PROPOSE, "propose") X(CONFIG_DRIFT_AUTO, "auto")
enum {
    CONFIG_ANSWERS(CHOICE_ID, CHOICE_ID)
};                                                 /* listen_remote, seccomp, amend, no_page,
                                                        webhook_private */
enum { CONFIG_FULL_MODES(CHOICE_ID, CHOICE_ID) };  /* session_full */
enum { CONFIG_DRIFT_MODES(CHOICE_ID, CHOICE_ID) }; /* drift_fine_tune */

// clang-format off
/*      field               flag                  type    when   default      least  most          choices  value       help */
/* value: "" where the flag stands alone and means the last choice */
/* when: START, or LIVE: SIGHUP reads it again, so any thread may find it changed from one look to the next */
#define CONFIG_TABLE(X)                                                                                                       \
    X(listen, "listen", STRING, START, "127.0.0.1:8080", 0, 0, NULL, "ADDR:PORT", "address to listen on; port 0 takes any free one") \
    X(listen_remote, "listen-remote", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "MODE", "allow an address that is not loopback without "   \
      "--api-keys: anyone who reaches it may use grud")                                                                                          \
    X(api_keys, "api-keys", STRING, START, "", 0, 0, NULL, "FILE", "keys that clients must have, one a line: KEY scope[,scope]; "    \
      "SIGHUP reads it again; none: no key is asked for")                                                                     \
    X(key_rate, "key-rate", SIZE, LIVE, "10000", 0, 1000000, NULL, "N", "requests a second of one key; 0: any number")               \
    X(tls_cert, "tls-cert", STRING, START, "", 0, 0, NULL, "FILE", "certificate chain in PEM, for HTTPS; SIGHUP reads it again")     \
    X(tls_key, "tls-key", STRING, START, "", 0, 0, NULL, "FILE", "its private key in PEM; SIGHUP reads it again")                    \
    X(cors_origin, "cors-origin", STRING, START, "", 0, 0, NULL, "ORIGINS", "origins whose web pages may use grud, as in "           \
      "https://example.org,http://localhost:3000; *: any")                                                                    \
    X(host_name, "host-name", STRING, START, "", 0, 0, NULL, "NAMES", "further hosts that clients reach grud by, as in "             \
      "grud,grud.example.org; its own addresses need not be named, and with --api-keys none")                                 \
    X(port_file, "port-file", STRING, START, "", 0, 0, NULL, "FILE", "write the chosen port into FILE once ready")                   \
    X(no_page, "no-page", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "", "serve no page at /, only the API")         \
    X(page_dir, "page-dir", STRING, START, "", 0, 0, NULL, "DIR", "take the page's files from DIR, anew for each request, and not "  \
      "from the binary: for work on the page")                                                                                 \
    X(models, "models", STRING, START, "", 0, 0, NULL, "DIR", "directory of NAME.safetensors or NAME/<version>.safetensors; "      \
      "SIGHUP reads it again")         \
    X(data, "data", STRING, START, "", 0, 0, NULL, "DIR", "directory for sessions and uploaded versions; none: memory only")         \
    X(user, "user", STRING, START, "", 0, 0, NULL, "NAME", "started as root: become this user once the port is bound")                \
    X(seccomp, "seccomp", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "MODE", "let the kernel end grud at a system call that it has no use for") \
    X(workers, "workers", SIZE, START, "0", 0, 256, NULL, "N", "HTTP worker threads; 0: one per processor of the quota")             \
    X(session_max, "session-max", SIZE, START, "1000000", 1, 100000000, NULL, "N", "sessions per model")                             \
    X(session_memory_max, "session-memory-max", SIZE, START, "0", 0, 1125899906842624, NULL, "BYTES", "memory for the sessions of all "\
      "models together; beyond it new ones are refused, or old ones dropped; 0: no limit")         \
    X(session_ttl, "session-ttl", SIZE, START, "0", 0, 315360000, NULL, "SECONDS", "idle time after which a session ends; 0: never") \
    X(session_full, "session-full", CHOICE, START, "reject", 0, 0, CHOICE_WORDS(CONFIG_FULL_MODES), "MODE", "when the pool is full: refuse a new "    \
      "session, or drop the least recently used one")                                                                         \
    X(session_history, "session-history", SIZE, START, "32", 1, 4096, NULL, "K", "readings kept per session, for re-warming")        \
    X(amend, "amend", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "MODE", "let late and corrected readings be put in their "   \
      "place among those that are kept; a session takes two more copies of its state, and a step twice the work")                 \
    X(tombstone_max, "tombstone-max", SIZE, START, "100000", 0, 10000000, NULL, "N", "ended sessions remembered for up to a day")    \
    X(record, "record", SIZE, START, "0", 0, 100000000, NULL, "ROWS", "readings recorded per session, for fine-tuning; 0: none")     \
    X(drift_fine_tune, "drift-fine-tune", CHOICE, LIVE, "off", 0, 0, CHOICE_WORDS(CONFIG_DRIFT_MODES), "MODE", "when a model's forecasts become worse: " \
      "nothing more; or a fine-tuning job from what sessions recorded, whose version waits, or becomes active if it is better")  \
    X(drift_interval_seconds, "drift-interval-seconds", SIZE, LIVE, "86400", 60, 315360000, NULL, "S", "least time between two such jobs of a model") \
    X(job_max, "job-max", SIZE, LIVE, "16", 1, 10000, NULL, "N", "fine-tuning jobs that may wait, paused ones too")                 \
    X(job_keep_days, "job-keep-days", SIZE, LIVE, "0", 0, 36500, NULL, "DAYS", "jobs that have ended are deleted after so long, "   \
      "with their events; 0: never")                                                                                            \
    X(job_memory_max, "job-memory-max", SIZE, LIVE, "1073741824", 1048576, 1099511627776, NULL, "BYTES", "memory that a "           \
      "fine-tuning job may take, its data included")                                                                          \
    X(training_max, "training-max", SIZE, LIVE, "268435456", 1024, 1073741824, NULL, "BYTES", "largest upload of training data "    \
      "as application/x-ndjson")                                                                                              \
    X(rule_max, "rule-max", SIZE, START, "1000", 0, 100000, NULL, "N", "rules on sessions, of all models together; 0: none, and no "  \
      "thread and no connection for their webhooks")                                                                          \
    X(rule_firing_max, "rule-firing-max", SIZE, START, "100000", 1, 10000000, NULL, "N", "sessions in which rules may fire, or be about "   \
      "to, all rules together")                                                                                               \
    X(webhook_private, "webhook-private", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "MODE", "let webhooks be posted to this machine and to "  \
      "private networks")                                                                                                     \
    X(webhook_ca, "webhook-ca", STRING, START, "", 0, 0, NULL, "FILE", "certificates of the authorities that the servers of webhooks "   \
      "are checked by, in PEM; none: the system's")                                                                           \
    X(cluster, "cluster", STRING, START, "", 0, 0, NULL, "URL", "keep sessions and versions in Redis or Valkey, redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB], " \
      "shared with the other nodes that name it; none: on this machine alone")                                              \
    X(cluster_password_file, "cluster-password-file", STRING, START, "", 0, 0, NULL, "FILE", "the password for --cluster, the only line of FILE")   \
    X(cluster_ca, "cluster-ca", STRING, START, "", 0, 0, NULL, "FILE", "certificates of the authorities that rediss:// is checked by, "   \
      "in PEM; none: the system's")                                                                                           \
    X(cluster_prefix, "cluster-prefix", STRING, START, "grud:", 0, 0, NULL, "TEXT", "what grud's keys there begin with; two clusters on "   \
      "one database have two")                                                                                                \
    X(cluster_timeout_ms, "cluster-timeout-ms", SIZE, START, "1000", 10, 60000, NULL, "MS", "time for the engine to answer; then its answer is " \
      "given up")                                                                                                             \
    X(cluster_heal, "cluster-heal", CHOICE, START, "no", 0, 0, CHOICE_WORDS(CONFIG_ANSWERS), "MODE", "after the engine has lost writes, give it back what this " \
      "node's cache has of them; no: refuse sessions until somebody decides")                                               \
    X(cluster_replicas, "cluster-replicas", SIZE, START, "0", 0, 8, NULL, "N", "replicas of the engine that must have what is acknowledged")  \
    X(sync_interval_ms, "sync-interval-ms", SIZE, LIVE, "1000", 0, 3600000, NULL, "MS", "how often sessions are synced to disk; "   \
      "0: before each reply")                                                                                                 \
    X(horizon_max, "horizon-max", SIZE, LIVE, "10000", 1, 1000000, NULL, "N", "steps that a forecast may look ahead")               \
    X(interval_levels, "interval-levels", STRING, START, "0.8,0.9,0.95", 0, 0, NULL, "LEVELS", "what `level` may be in a request: the share " \
      "of readings that a prediction interval shall hold; ascending, up to 8")                                                  \
    X(interval_horizon_max, "interval-horizon-max", SIZE, START, "24", 1, 24, NULL, "N", "steps that a forecast with intervals may look ahead")   \
    X(gap_max, "gap-max", SIZE, LIVE, "100", 0, 100000, NULL, "N", "lost readings before a step that it may fill as missing ones")   \
    X(body_max, "body-max", SIZE, LIVE, "16777216", 1024, 1073741824, NULL, "BYTES", "largest request body")                        \
    X(header_max, "header-max", SIZE, START, "6144", 1024, 1048576, NULL, "BYTES", "longest head of a request, its first line "   \
      "included; each connection that is used takes a third more, or 2 KiB")                                                    \
    X(url_max, "url-max", SIZE, LIVE, "4096", 64, 1048576, NULL, "BYTES", "longest path with its query")                         \
    X(json_depth_max, "json-depth-max", SIZE, LIVE, "32", 8, 64, NULL, "N", "arrays and objects that may stand in each other")   \
    X(row_max, "row-max", SIZE, LIVE, "100000", 1, 100000000, NULL, "N", "rows of the sequences of one request, their "          \
      "forecasts included")                                                                                                     \
    X(evaluate_row_max, "evaluate-row-max", SIZE, LIVE, "10000000", 1, 1000000000000, NULL, "N", "rows that an evaluation may run "  \
      "through: those of its series, and of the forecasts from each of them")                                                   \
    X(memory_max, "memory-max", SIZE, LIVE, "1073741824", 1048576, 1099511627776, NULL, "BYTES", "memory of all requests in "    \
      "hand; beyond it larger ones are refused, and steps go on")                                                               \
    X(stream_max, "stream-max", SIZE, LIVE, "1000", 0, 1000000, NULL, "N", "open event streams, of each worker")                 \
    X(connection_address_max, "connection-address-max", SIZE, LIVE, "5000", 0, 1000000, NULL, "N", "open connections of one "    \
      "client address, or IPv6 /64; 0: any number; behind a proxy all clients have its address")                                \
    X(reply_seconds, "reply-seconds", SIZE, LIVE, "30", 1, 86400, NULL, "S", "time for a client to take a reply, and a second "   \
      "more for each 64 KiB")                                                                                                   \
    X(queue_ms, "queue-ms", SIZE, LIVE, "100", 1, 60000, NULL, "MS", "longest wait of a step in a burst; a twentieth of it when "  \
      "the load stays too high, and half of either for sequences and jobs")                                                     \
    X(connection_max, "connection-max", SIZE, START, "10000", 1, 1000000, NULL, "N", "open connections, all workers together")       \
    X(request_seconds, "request-seconds", SIZE, LIVE, "30", 1, 86400, NULL, "S", "time for a whole request to arrive")              \
    X(idle_seconds, "idle-seconds", SIZE, LIVE, "120", 1, 86400, NULL, "S", "time that a silent connection is kept")                \
    X(drain_seconds, "drain-seconds", SIZE, LIVE, "10", 0, 3600, NULL, "S", "time to stop in: requests finish, the job "             \
      "is checkpointed, sessions are synced")       \
    X(log_format, "log-format", CHOICE, LIVE, "text", 0, 0, CHOICE_WORDS(LOG_FORMATS), "FORMAT", "form of the log lines on standard error")       \
    X(log_level, "log-level", CHOICE, LIVE, "info", 0, 0, CHOICE_WORDS(LOG_LEVELS), "LEVEL", "least level that is logged")
// clang-format on

/* The values: a STRING is a `const char *`, a SIZE a size_t, a CHOICE the index of the choice as an
 * int. */
struct config {
#define CONFIG_TYPE_STRING_START                   const char *
#define CONFIG_TYPE_SIZE_START                     size_t
#define CONFIG_TYPE_SIZE_LIVE                      _Atomic size_t
#define CONFIG_TYPE_CHOICE_START                   int
#define CONFIG_TYPE_CHOICE_LIVE                    _Atomic int
#define CONFIG_FIELD(field, flag, type, when, ...) CONFIG_TYPE_##type##_##when field;
    CONFIG_TABLE(CONFIG_FIELD)
#undef CONFIG_FIELD
    char *strings; /* owns every string above */
};

/*
 * Reads defaults, then the file of --config (or GRUD_CONFIG), then the environment, then flags:
 * later wins. Flags are `--name value` or `--name=value`; file lines are `name = value`, `#` begins
 * a comment; no source has quotes around a value. On failure a sentence that names source, line and
 * option is in `error`, and *ret_config is untouched. Unknown names are refused everywhere (an
 * unknown GRUD_ variable too).
 */
__attribute__((warn_unused_result)) bool config_read(int argc, char *const argv[],
                                                     char *const environment[],
                                                     struct config *ret_config, char *error,
                                                     size_t n_error);
void config_done(struct config *config);

/* Takes over what is LIVE and differs in `next`, a reading of the same sources later on, and calls
 * `differs` for each option that does; those that are not taken need a restart. */
void config_take(struct config *config, struct config *next,
                 void (*differs)(const char *name, bool is_taken));

void config_print_help(FILE *out); /* the options part of --help */
void config_print_file(FILE *out); /* config/grud.conf: every option, commented, at its default */

#endif
