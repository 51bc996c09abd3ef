/* api_jobs.c - fine-tuning jobs: create, list, read, pause, resume, cancel. */
#include "http/api.h"
#include "http/lines.h"

#include <string.h>

#define STATUS_WORD(name, word) word ", "

enum { LIST_DEFAULT = 20, LIST_MAX = 100, JOB_BYTES = 2048 };

static enum status reply_job(struct request *request, int code, const struct job *job)
{
    struct text text;
    text_init(&text, request->arena, JOB_BYTES);
    codec_put_job(&text, job, service_jobs_are_durable(service_context_service(request->context)));
    return api_reply(request, code, &text);
}

/* ---- posted ---- */

static enum status find_target(struct request *request, struct job_target *target,
                               const struct gru_info **ret_info)
{
    const struct model *model;
    const struct version *version;
    enum status status = model_find(request->context, target->model, &model, request->fault);
    if (status == STATUS_OK) {
        status = version_find(model, target->version, &version, request->fault);
    }
    if (status == STATUS_OK) {
        target->version =
            version->number; /* the rows are read as this one's, whichever is active later */
        *ret_info = gru_model_info(version->gru);
    }
    return status;
}

/* The whole body, or the first line. */
static enum status read_job(struct request *request, const char *json, size_t n,
                            struct job_target *ret_target, const struct gru_info **ret_info,
                            struct job_request *ret_job)
{
    struct codec_input input = api_input(request);
    input.json = json;
    input.n = n;
    enum status status = codec_job_target(&input, ret_target);
    if (status == STATUS_OK) {
        status = find_target(request, ret_target, ret_info);
    }
    return status == STATUS_OK
               ? codec_job(&input, request->is_ndjson, ret_target, *ret_info, ret_job)
               : status;
}

static enum status create(struct request *request, const struct job_request *wanted)
{
    struct job job;
    enum status status = job_create(request->context, wanted, &job, request->fault);
    return status == STATUS_OK ? reply_job(request, 202, &job) : status;
}

enum status api_job_create(struct request *request)
{
    struct job_target target;
    struct job_request wanted;
    const struct gru_info *info;
    if (request->is_ndjson) {
        return api_job_upload(request, NULL, 0);
    }
    enum status status = read_job(request, request->body, request->n_body, &target, &info, &wanted);
    return status == STATUS_OK ? create(request, &wanted) : status;
}

/* ---- posted in lines ---- */

struct lines_of_job {
    struct request *request;
    struct lines lines;
    struct job_target target;
    struct job_request wanted;
    struct job_lines *series; /* NULL before the first line */
};

static enum status take_first_line(struct lines_of_job *upload, const char *line, size_t n)
{
    struct request *request = upload->request;
    const struct gru_info *info;
    enum status status = read_job(request, line, n, &upload->target, &info, &upload->wanted);
    if (status != STATUS_OK) {
        return fault_set(request->fault, status, request->fault->param, "line %zu: %s",
                         upload->lines.number, request->fault->message);
    }
    const struct codec_limits limits = api_input(request).limits;
    upload->series = codec_job_lines(info, &limits, &upload->target, request->arena);
    return upload->series
               ? STATUS_OK
               : fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
}

static enum status take_line(struct lines_of_job *upload, const char *line, size_t n)
{
    struct fault *fault = upload->request->fault;
    if (!line) {
        return fault_set(fault, STATUS_BODY_TOO_LARGE, NULL,
                         "line %zu: a line has at most %zu bytes", upload->lines.number,
                         upload->lines.most);
    }
    return upload->series ? codec_job_line(upload->series, upload->lines.number, line, n, fault)
                          : take_first_line(upload, line, n);
}

static enum status begin_upload(struct request *request)
{
    struct lines_of_job *upload = arena_alloc(request->arena, sizeof *upload);
    if (!upload) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    upload->request = request;
    upload->series = NULL;
    lines_init(&upload->lines, request->arena, request->config->body_max);
    request->state = upload;
    return STATUS_OK;
}

static enum status end_upload(struct lines_of_job *upload)
{
    struct request *request = upload->request;
    const struct gru_info *info;
    if (!upload->series) {
        return fault_set(request->fault, STATUS_INVALID_JSON, NULL,
                         "the body is empty: its first line is the job, each further one a series");
    }
    enum status status = find_target(request, &upload->target, &info);
    if (status == STATUS_OK) {
        status = codec_job_lines_end(upload->series, info, &upload->wanted, request->fault);
    }
    return status == STATUS_OK ? create(request, &upload->wanted) : status;
}

enum { LONG_LINE_BYTES = 256 << 10 }; /* a few milliseconds of reading */

static enum status take_lines(struct lines_of_job *upload)
{
    enum status status = STATUS_OK;
    const char *line;
    size_t n;
    while (status == STATUS_OK && lines_next(&upload->lines, &line, &n)) {
        status = take_line(upload, line, n);
    }
    return status;
}

/* Called for each piece; again for what is read aside, with bytes "" and n = 0; and with NULL at
 * the end. */
enum status api_job_upload(struct request *request, const char *bytes, size_t n)
{
    enum status status = request->state ? STATUS_OK : begin_upload(request);
    if (status != STATUS_OK) {
        return status;
    }
    struct lines_of_job *upload = request->state;
    if (!bytes) {
        lines_end(&upload->lines);
    } else if (n > 0) {
        status = lines_add(&upload->lines, bytes, n);
        request->is_aside =
            lines_n_waiting(&upload->lines) > LONG_LINE_BYTES && memchr(bytes, '\n', n) != NULL;
    }
    if (status == STATUS_OK && (n == 0 || !request->is_aside)) {
        status = take_lines(upload);
    }
    if (status != STATUS_OK && request->fault->status == STATUS_OK) {
        return fault_set(request->fault, status, NULL,
                         "the lines take more memory than a request may use");
    }
    return status == STATUS_OK && !bytes ? end_upload(upload) : status;
}

/* ---- listed ---- */

enum status api_job_id(struct request *request, const char **ret_id)
{
    const char *id = request->parameters[PARAMETER_JOB];
    size_t n = strlen(id);
    if (n > JOB_ID_MAX || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != n) {
        return fault_set(request->fault, STATUS_JOB_NOT_FOUND, "id", "there is no such job");
    }
    *ret_id = id;
    return STATUS_OK;
}

static enum status read_status(struct request *request, int *ret_status)
{
    const char *word = request_query(request, "status");
    int status = word ? 0 : -1;
    while (status >= 0 && strcmp(word, job_status_word((enum job_status)status)) != 0) {
        if (++status == JOB_N_STATUSES) {
            return fault_set(request->fault, STATUS_INVALID_VALUE, "status",
                             "status is one of " JOB_STATUS_TABLE(STATUS_WORD) "or left out");
        }
    }
    *ret_status = status;
    return STATUS_OK;
}

static enum status read_filter(struct request *request, struct job_filter *ret_filter)
{
    const char *model = request_query(request, "model"), *after = request_query(request, "after");
    if (model && !model_name_is_valid(model, strlen(model))) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "model",
                         "model is not the name of a model");
    }
    if (after && strspn(after, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(after)) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "after", "after is the id of a job");
    }
    *ret_filter = (struct job_filter){ .after = after, .model = model };
    return read_status(request, &ret_filter->status);
}

enum status api_jobs_list(struct request *request)
{
    struct job_filter filter;
    size_t limit, n;
    bool has_more;
    enum status status = api_limit(request, LIST_DEFAULT, LIST_MAX, &limit);
    if (status == STATUS_OK) {
        status = read_filter(request, &filter);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct job *jobs = arena_array(request->arena, limit, sizeof *jobs);
    if (!jobs) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    status = job_list(request->context, &filter, limit, jobs, &n, &has_more, request->fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 64 + JOB_BYTES * n);
    codec_put_job_list(&text, jobs, n, has_more,
                       service_jobs_are_durable(service_context_service(request->context)));
    return api_reply(request, 200, &text);
}

/* ---- steered ---- */

static enum status on_job(struct request *request,
                          enum status (*verb)(struct service_context *context, const char *id,
                                              struct job *ret_job, struct fault *fault))
{
    struct job job;
    const char *id;
    enum status status = api_job_id(request, &id);
    if (status == STATUS_OK) {
        status = api_no_fields(request);
    }
    if (status == STATUS_OK) {
        status = verb(request->context, id, &job, request->fault);
    }
    return status == STATUS_OK ? reply_job(request, 200, &job) : status;
}

enum status api_job_get(struct request *request)
{
    return on_job(request, job_find);
}

enum status api_job_cancel(struct request *request)
{
    return on_job(request, job_cancel);
}

enum status api_job_pause(struct request *request)
{
    return on_job(request, job_pause);
}

enum status api_job_resume(struct request *request)
{
    return on_job(request, job_resume);
}
