/* job_engine_pieces.h - many bytes of a job in the engine (job_engine.h), which go and come in
 * pieces, so that no call is large. */
#ifndef JOB_ENGINE_PIECES_H
#define JOB_ENGINE_PIECES_H

#include "service/cluster/job_engine_call.h"
#include "service/cluster/job_engine_data.h"

enum { JOB_PIECE_BYTES = 1 << 20 };

/* ---- to the engine ---- */

struct job_upload {
    struct job_engine *jobs;
    char name[JOB_UPLOAD_NAME_MAX]; /* "" as long as nothing was sent */
    char *piece;
    size_t n;
};
/* False: no memory. */
__attribute__((warn_unused_result)) bool job_upload_init(struct job_upload *upload,
                                                         struct job_engine *jobs);
__attribute__((warn_unused_result)) enum status
job_upload_add(struct job_upload *upload, const void *bytes, size_t n, struct fault *fault);
/* Sends the rest. */
__attribute__((warn_unused_result)) enum status job_upload_end(struct job_upload *upload,
                                                               struct fault *fault);
void job_upload_done(struct job_upload *upload);

/* ---- from the engine ---- */

struct job_download {
    struct job_engine *jobs;
    int64_t number;
    const char *what; /* "series" or "state" */
    int64_t n_pieces, n_got;
    struct cluster_text rest; /* of the piece that was got last; valid until another call */
};
/* Bytes that may still come, at most. */
size_t job_download_left(const struct job_download *download);
/* The next n bytes; fewer are damage. */
__attribute__((warn_unused_result)) enum status
job_download_get(struct job_download *download, void *bytes, size_t n, struct fault *fault);
/* All that is left of a piece, or the whole next one; n 0: that was all. */
__attribute__((warn_unused_result)) enum status job_download_next(struct job_download *download,
                                                                  struct cluster_text *ret_text,
                                                                  struct fault *fault);

#endif
