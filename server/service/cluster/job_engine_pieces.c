#include "service/cluster/job_engine_pieces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- to the engine ---- */

bool job_upload_init(struct job_upload *upload, struct job_engine *jobs)
{
    *upload = (struct job_upload){ .jobs = jobs, .piece = malloc(JOB_PIECE_BYTES) };
    return upload->piece != NULL;
}

void job_upload_done(struct job_upload *upload)
{
    free(upload->piece);
    upload->piece = NULL;
}

static enum status send_piece(struct job_upload *upload, struct fault *fault)
{
    struct job_engine *jobs = upload->jobs;
    int64_t number;
    enum status status = job_engine_keep(jobs, fault);
    if (status == STATUS_OK) {
        status = job_engine_begin(jobs, CLUSTER_JOB_UPLOAD, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (upload->name[0] == '\0') {
        snprintf(upload->name, sizeof upload->name, "%s-%" PRIu64, jobs->node, ++jobs->n_uploads);
    }
    job_engine_put_word(jobs, upload->name);
    engine_put_text(jobs->engine, upload->piece, upload->n);
    upload->n = 0;
    return job_engine_call_number(jobs, &number, fault);
}

enum status job_upload_add(struct job_upload *upload, const void *bytes, size_t n,
                           struct fault *fault)
{
    const char *from = bytes;
    enum status status = STATUS_OK;
    while (n > 0 && status == STATUS_OK) {
        const size_t room = JOB_PIECE_BYTES - upload->n, n_now = n < room ? n : room;
        memcpy(upload->piece + upload->n, from, n_now);
        upload->n += n_now;
        from += n_now;
        n -= n_now;
        status = upload->n == JOB_PIECE_BYTES ? send_piece(upload, fault) : STATUS_OK;
    }
    return status;
}

enum status job_upload_end(struct job_upload *upload, struct fault *fault)
{
    return upload->n > 0 ? send_piece(upload, fault) : STATUS_OK;
}

/* ---- from the engine ---- */

size_t job_download_left(const struct job_download *download)
{
    return download->rest.n + (size_t)(download->n_pieces - download->n_got) * JOB_PIECE_BYTES;
}

static enum status fetch(struct job_download *download, struct fault *fault)
{
    struct job_engine *jobs = download->jobs;
    const struct cluster_reply *reply;
    enum status status = job_engine_keep(jobs, fault);
    if (status == STATUS_OK) {
        status = job_engine_begin(jobs, CLUSTER_JOB_PIECE, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, download->number);
    job_engine_put_word(jobs, download->what);
    engine_put_number(jobs->engine, download->n_got);
    status = job_engine_call(jobs, &reply, fault);
    if (status == STATUS_OK &&
        (reply->type != CLUSTER_TEXT || reply->text.n == 0 || reply->text.n > JOB_PIECE_BYTES)) {
        status = job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        download->rest = reply->text;
        download->n_got++;
    }
    return status;
}

enum status job_download_next(struct job_download *download, struct cluster_text *ret_text,
                              struct fault *fault)
{
    enum status status = STATUS_OK;
    if (download->rest.n == 0 && download->n_got < download->n_pieces) {
        status = fetch(download, fault);
    }
    if (status == STATUS_OK) {
        *ret_text = download->rest;
        download->rest.n = 0;
    }
    return status;
}

enum status job_download_get(struct job_download *download, void *bytes, size_t n,
                             struct fault *fault)
{
    char *to = bytes;
    while (n > 0) {
        struct cluster_text text;
        enum status status = job_download_next(download, &text, fault);
        if (status != STATUS_OK || text.n == 0) {
            return status != STATUS_OK ? status : job_engine_damaged(fault);
        }
        const size_t n_now = text.n < n ? text.n : n;
        memcpy(to, text.bytes, n_now);
        download->rest = (struct cluster_text){ text.bytes + n_now, text.n - n_now };
        to += n_now;
        n -= n_now;
    }
    return STATUS_OK;
}
