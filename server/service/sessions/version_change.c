#include "service/sessions/version_change.h"

#include "service/scores/version_errors.h"

#include <string.h>

/* Whether the version's file says how the other one did in the same validation. */
static bool knows(const struct version *version, const struct version *other)
{
    const char *base = gru_model_base(version->gru);
    char digest[DIGEST_TEXT];
    digest_print(other->digest, digest);
    return base && gru_model_residuals(version->gru) && strcmp(base, digest) == 0;
}

void version_change_rescale(const struct version *before, const struct version *after,
                            const struct tail *tail)
{
    tail_change_version(tail);
    if (!before) {
        return;
    }
    const struct gru_residuals *former = gru_model_residuals(before->gru);
    const struct gru_residuals *present = gru_model_residuals(after->gru);
    if (knows(after, before)) {
        former = gru_model_base_residuals(after->gru);
    } else if (knows(before, after)) {
        present = gru_model_base_residuals(before->gru);
    }
    version_errors_rescale(former, present, tail);
}
