#include "service/models/stored_version.h"

#include "base/log.h"
#include "service/models/model_versions.h"
#include "service/service_private.h"

#include <stdio.h>

/* ---- digests ---- */

/* It is not needed to serve, so a disk that refuses it is no more than logged. */
static void keep_digest(const struct file_version *file, struct digest digest, const char *reason)
{
    struct fault fault;
    bool ignored;
    char text[DIGEST_TEXT];
    digest_print(digest, text);
    enum status status = files_write_digest(file, digest, &ignored, &fault);
    log_event(status == STATUS_OK ? LOG_INFO : LOG_WARN,
              status == STATUS_OK ? "digest_kept" : "digest_not_kept",
              LOG_STRING("file", file->path), LOG_STRING("digest", text),
              LOG_STRING("reason", status == STATUS_OK ? reason : fault.message));
}

/* Whether a file of the data directory is what was stored there. Where only the note of that is
 * damaged, the file is served: that it is right is not known, so it is logged. */
enum status stored_version_check(const struct file_version *file, struct digest digest,
                                 struct fault *fault)
{
    struct files_note note;
    enum status status = files_read_digest(file, &note, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (note.form == NOTE_SEALED && !digest_equals(note.digest, digest)) {
        return fault_set(fault, STATUS_INVALID_MODEL, NULL,
                         "its file %s is damaged: it is not what was stored", file->path);
    }
    if (note.form == NOTE_ABSENT) {
        keep_digest(file, digest, "an earlier release stored this version");
    } else if (note.form != NOTE_SEALED) {
        log_event(LOG_WARN, "digest_damaged", LOG_STRING("file", file->path),
                  LOG_STRING("reason",
                             "the note of its digest is damaged; whether the file is what was "
                             "stored is not known"));
        keep_digest(file, digest, "the note of it was damaged");
    }
    return STATUS_OK;
}

/* ---- which version is active ---- */

/* No other version takes the place of the active one: the model's sessions would be brought to it,
 * and nobody would know. */
static enum status refuse_active(const struct service *service, const struct model *model,
                                 const char *why, struct fault *fault)
{
    char reason[sizeof fault->message];
    snprintf(reason, sizeof reason, "%s", why); /* it may be the fault's own */
    return fault_set(fault, STATUS_VERSION_UNAVAILABLE, NULL,
                     "%s. Bring back what was there, or write the number of the version that is to "
                     "be active into %s/models/%s/active",
                     reason, service->config->data, model->name);
}

/* The newest that came with the --models directory; of a model that has but one version, that. */
static enum status choose_default(const struct service *service, struct model *model,
                                  struct fault *fault)
{
    for (size_t k = model->n_versions; k > 0; k--) {
        if (model->versions[k - 1].read_only) {
            model->active = &model->versions[k - 1];
            return STATUS_OK;
        }
    }
    if (model->n_versions + model->unserved.n > 1) {
        return refuse_active(service, model, "which of its versions is active is not known", fault);
    }
    model->active = &model->versions[0];
    return STATUS_OK;
}

/* A note of an earlier release becomes one of this. It can be read either way. */
static void log_unsealed(const struct model *model, enum status status, const struct fault *fault)
{
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "digest_not_kept", LOG_STRING("model", model->name),
                  LOG_STRING("reason", fault->message));
    }
}

/* That of the note. A file in the --models directory is its owner's, who may replace it. */
static enum status choose_noted(const struct service *service, struct model *model,
                                const struct files_note *note, struct fault *fault)
{
    struct version *version = model_find_version(model, note->number);
    if (!version) {
        (void)model_refuse_version(model, note->number, fault);
        return refuse_active(service, model, fault->message, fault);
    }
    bool has_changed = note->has_digest && !digest_equals(note->digest, version->digest);
    if (has_changed && !version->read_only) {
        return refuse_active(service, model,
                             "the file of its active version is not the one that was activated",
                             fault);
    }
    model->active = version;
    if (has_changed) {
        log_event(LOG_WARN, "version_changed", LOG_STRING("file", version->path),
                  LOG_STRING("reason", "it was replaced since it was activated"));
    }
    if (has_changed || !note->has_digest) {
        struct fault unsealed;
        bool ignored;
        log_unsealed(model,
                     files_write_active(service->config->data, model->name, version->number,
                                        version->digest, &ignored, &unsealed),
                     &unsealed);
    }
    return STATUS_OK;
}

enum status stored_version_choose_active(const struct service *service, struct model *model,
                                         struct fault *fault)
{
    const char *data = service->config->data;
    struct files_note note = { .form = NOTE_ABSENT };
    enum status status = data[0] ? files_read_active(data, model->name, &note, fault) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    if (data[0]) {
        log_unsealed(model, files_seal_newest(data, model->name, fault), fault);
    }
    switch (note.form) {
    case NOTE_ABSENT:
        return choose_default(service, model, fault);
    case NOTE_DAMAGED:
        return refuse_active(service, model,
                             "the note of which of its versions is active is damaged", fault);
    case NOTE_PLAIN:
    case NOTE_SEALED:
        break;
    }
    return choose_noted(service, model, &note, fault);
}
