/*
 * codec.h - JSON text to the structs of service.h, and back. Hides cJSON.h.
 *
 * Bodies go through the project's own scanner (lib/json), steps, sequences and sessions through its
 * printer too; the irregular rest is built with cJSON. Decoders are strict: unknown, duplicate and
 * ill-typed fields are refused by their path. All memory comes from the arena. Any thread.
 */
#ifndef CODEC_H
#define CODEC_H

#include "codec/text.h"
#include "service/jobs/fine_tuning.h"
#include "service/service.h"

/* ---- decoding ---- */

struct codec_limits {
    size_t horizon_max;
    size_t interval_horizon_max;                   /* of forecasts with intervals */
    const struct interval_levels *interval_levels; /* that are offered */
    size_t depth_max;           /* of nested arrays and objects; at most JSON_DEPTH_MAX (json.h) */
    size_t rows_max;            /* of sequences, restored readings and forecasts in one request */
    size_t evaluation_rows_max; /* those of all roll-outs of an evaluation included */
};

/* What a decoder is given: the text, its limits, the arena for the results, and the fault to fill.
 */
struct codec_input {
    const char *json;
    size_t n;
    struct codec_limits limits;
    struct arena *arena; /* NULL where nothing is allocated: job target, fork, no fields */
    struct fault *fault;
};

/* The body of POST .../step for the session already named by the route (step->session is set), or,
 * with in_batch, an element of `steps` that names its own. step->model is set, and step->arena is
 * the input's. */
enum status codec_step(const struct codec_input *input, bool in_batch, struct step *ret_step);
/* The body of POST .../steps: an array of steps; each has its own fault where it alone is wrong. */
enum status codec_steps(const struct codec_input *input, const struct model *model,
                        struct step **ret_steps, size_t *ret_n);
/* {"horizon","future"} of POST .../forecast; horizon is required. */
enum status codec_forecast_options(const struct codec_input *input, const struct model *model,
                                   struct forecast_options *ret_forecast_options);
/* The body of POST .../predict. */
enum status codec_prediction(const struct codec_input *input, const struct model *model,
                             struct prediction *ret_prediction);
/* The body of POST .../evaluate. */
enum status codec_evaluation(const struct codec_input *input, const struct model *model,
                             struct evaluation *ret_evaluation);
/* The body of PUT .../sessions/{session}: what codec_put_session wrote, or {"ttl"}, or
 * {"rewarm":[[x]...]}.
 */
enum status codec_session_restore(const struct codec_input *input, const struct model *model,
                                  struct session_restore *ret_restore);
/* {"to": id} */
enum status codec_fork(const struct codec_input *input, char ret_to[SESSION_ID_MAX + 1]);
/* The body of PUT .../rules/{rule}, of a model that was found, and of that name. */
enum status codec_rule(const struct codec_input *input, const struct model *model, const char *name,
                       struct rule *ret_rule);
/* A body that has nothing to say: an object without fields. */
enum status codec_no_fields(const struct codec_input *input);

/* ---- decoding jobs: a row depends on the model and the loss, and fields come in any order ---- */

struct job_target {
    char model[MODEL_NAME_MAX + 1];
    unsigned version; /* 0: the active one */
    int loss;         /* enum gru_loss */
};

/* Of the body of POST /v1/fine_tuning/jobs, or the first line of an x-ndjson one: these and nothing
 * else. */
enum status codec_job_target(const struct codec_input *input, struct job_target *ret_target);
/* All of it, for the target that was found: `info` is of its version, whose number is
 * target->version. is_first_line: of x-ndjson; there is no `training`, and codec_job_lines_end adds
 * it. */
enum status codec_job(const struct codec_input *input, bool is_first_line,
                      const struct job_target *target, const struct gru_info *info,
                      struct job_request *ret_request);

/* The further lines, one series each, over any number of turns: `info` and `limits` are copied.
 * NULL: no memory.
 */
struct job_lines;
struct job_lines *codec_job_lines(const struct gru_info *info, const struct codec_limits *limits,
                                  const struct job_target *target, struct arena *arena);
/* number: of the line, from 1, for the fault. */
enum status codec_job_line(struct job_lines *lines, size_t number, const char *json, size_t n,
                           struct fault *fault);
/* The series join the request. `info`: of the same version now, refused if it has become another
 * one. */
enum status codec_job_lines_end(const struct job_lines *lines, const struct gru_info *info,
                                struct job_request *request, struct fault *fault);

/* ---- encoding: each appends one JSON value ---- */

void codec_put_step(struct text *text,
                    const struct step *step); /* the reply, or {"error":...} if it failed */
/* How many bytes that is at most, before the step is done. */
size_t codec_step_bytes_max(const struct step *step);
void codec_put_error(struct text *text, const struct fault *fault);
/* model: its name. */
void codec_put_prediction(struct text *text, const char *model,
                          const struct prediction *prediction);
/* model: its name. */
void codec_put_evaluation(struct text *text, const char *model,
                          const struct evaluation *evaluation);
/* id: the session's. */
void codec_put_forecast(struct text *text, const char *id, const struct session_forecast *forecast);
void codec_put_model(struct text *text, const struct model *model);
void codec_put_drift(struct text *text, const struct model *model);
void codec_put_models(struct text *text, const struct model *const *models, size_t n);
/* The reply of /readyz: `reason` is for all, `unserved` [n] is what cannot be served. */
void codec_put_degraded(struct text *text, const char *reason,
                        const struct unserved *const *unserved, size_t n);
void codec_put_session(struct text *text, const struct session *session);
/* A page of the list that was asked for: rows of all models have theirs, and where there is more it
 * says what the next page is after. */
void codec_put_session_list(struct text *text, const struct session_query *query,
                            const struct session_row *rows, size_t n, bool has_more);

void codec_put_readings(struct text *text, const struct session_history *history);
/* What listeners are told of a step: its reply, with x and at. A step_event_printer. */
bool codec_print_step_event(const struct step *step, struct arena *arena, const char **ret_json,
                            size_t *ret_n);
/* The same of a step that was made before, the k-th of the history: without what is not kept. */
void codec_put_past_step(struct text *text, const char *session,
                         const struct session_history *history, size_t k);
/* That a session has ended; that its stream goes on with step `next` after step `after` (NULL:
 * which one is not known). Without a session: that of further ones nothing is known. */
void codec_put_session_end(struct text *text, const char *session, enum session_end end);
void codec_put_session_gap(struct text *text, const char *session, const uint64_t *after,
                           uint64_t next);

/* With the sessions in which it fires; and without, of many. */
void codec_put_rule(struct text *text, struct rule_entry *entry, const struct firing *firings,
                    size_t n);
void codec_put_rules(struct text *text, struct rule_entry *const *entries, size_t n);
/* A rule_news_printer. */
bool codec_print_rule_news(const struct rule_news *news, struct arena *arena, const char **ret_json,
                           size_t *ret_n);

/* durable: whether jobs outlive the process. */
void codec_put_job(struct text *text, const struct job *job, bool durable);
void codec_put_job_list(struct text *text, const struct job *jobs, size_t n, bool has_more,
                        bool durable);
void codec_put_job_event(struct text *text, const struct job_event *event);
void codec_put_job_event_list(struct text *text, const struct job_event *events, size_t n,
                              bool has_more);
void codec_put_job_checkpoint_list(struct text *text, const char *job_id,
                                   const struct job_checkpoint *checkpoints, size_t n,
                                   bool has_more);

/* GET /v1; the route table's own columns, so that this layer need not know it. */
struct codec_route {
    const char *method, *path, *summary;
};
void codec_put_routes(struct text *text, const char *version, const struct codec_route *routes,
                      size_t n);

#endif
