/* api.h - what the endpoints share, and their handlers, which the table in routes.c names. Each
 * api_*.c is thin: decode, verb, encode. Handlers run on a worker's thread and never block, but for
 * those of routes that name a disk's thread. */
#ifndef API_H
#define API_H

#include "codec/codec.h"
#include "http/request.h"

/* The path's {model}, found; of a path with a {session} as well, which is checked, while a model
 * that can have none is refused; the path's {version}, a positive number. */
enum status api_model(struct request *request, const struct model **ret_model);
enum status api_session(struct request *request, const struct model **ret_model,
                        const char **ret_id);
enum status api_version(struct request *request, unsigned *ret_number);
/* The body, as the codec takes it. */
struct codec_input api_input(struct request *request);
/* Of a verb that takes no body, or an empty object. */
enum status api_no_fields(struct request *request);
/* A query parameter that is a number from 1 to `most`; and `limit`. */
enum status api_number(struct request *request, const char *name, size_t initial, size_t most,
                       size_t *ret_number);
enum status api_limit(struct request *request, size_t initial, size_t most, size_t *ret_limit);
/* A query parameter that is a session's id, or the beginning of one; "" if it is not there. */
enum status api_id_query(struct request *request, const char *name, const char **ret_text);

/* Answers with the text, as the media type that the route gives first, or with request_too_large if
 * it did not fit into the request's memory. */
enum status api_reply(struct request *request, int code, const struct text *text);
enum status api_reply_nothing(struct request *request); /* 204 */

enum status api_health(struct request *request);
enum status api_ready(struct request *request);
enum status api_metrics(struct request *request);
enum status api_forecasts(struct request *request);
enum status api_index(struct request *request);
enum status api_openapi(struct request *request);

enum status api_page(struct request *request);
enum status api_page_file(struct request *request);

enum status api_models_list(struct request *request);
enum status api_model_get(struct request *request);
enum status api_model_put(struct request *request);
enum status api_version_file(struct request *request);
enum status api_version_activate(struct request *request);
enum status api_version_delete(struct request *request);

enum status api_step(struct request *request);
enum status api_step_finish(struct request *request);
enum status api_steps(struct request *request);
enum status api_steps_finish(struct request *request);
enum status api_steps_upload(struct request *request, const char *bytes, size_t n);

enum status api_sessions_list(struct request *request);
enum status api_sessions_list_all(struct request *request);
enum status api_session_get(struct request *request);
enum status api_session_readings(struct request *request);
enum status api_session_events(struct request *request);
enum status api_model_events(struct request *request);
enum status api_session_put(struct request *request);
enum status api_session_put_finish(struct request *request);
enum status api_session_delete(struct request *request);
enum status api_session_fork(struct request *request);
enum status api_session_fork_finish(struct request *request);
enum status api_session_forecast(struct request *request);
enum status api_session_forecast_finish(struct request *request);

enum status api_predict(struct request *request);
enum status api_predict_finish(struct request *request);
enum status api_evaluate(struct request *request);
enum status api_evaluate_finish(struct request *request);

enum status api_rules_list(struct request *request);
enum status api_rule_get(struct request *request);
enum status api_rule_put(struct request *request);
enum status api_rule_delete(struct request *request);

/* The path's {id}, as far as it can be one. */
enum status api_job_id(struct request *request, const char **ret_id);
enum status api_job_create(struct request *request);
enum status api_job_upload(struct request *request, const char *bytes, size_t n);
enum status api_jobs_list(struct request *request);
enum status api_job_get(struct request *request);
enum status api_job_cancel(struct request *request);
enum status api_job_pause(struct request *request);
enum status api_job_resume(struct request *request);
enum status api_job_events(struct request *request);
enum status api_job_checkpoints(struct request *request);

#endif
