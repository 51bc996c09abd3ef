#include "service/models/models_load.h"

#include "base/log.h"
#include "service/cluster/watch.h"
#include "service/job_database.h"
#include "service/models/catalogue.h"
#include "service/models/lineage.h"
#include "service/models/model_versions.h"
#include "service/models/shared_models.h"
#include "service/models/stored_version.h"
#include "service/models/version_bytes.h"
#include "service/models/version_store.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* What the directories hold. */
struct version_list {
    struct arena arena; /* the bytes of one file */
    struct file_version *versions;
    size_t n, n_room;
    size_t n_ignored;       /* files that look like models, but for their name */
    struct sharing sharing; /* its engine NULL: this node stands alone, or has only begun */
    struct fault *fault;
};

static enum status collect(void *context, const struct file_version *version)
{
    struct version_list *list = context;
    if (list->n == list->n_room) {
        size_t n_room = list->n_room ? list->n_room * 2 : 16;
        struct file_version *versions = reallocarray(list->versions, n_room, sizeof *versions);
        if (!versions) {
            return fault_set(list->fault, STATUS_NO_MEMORY, NULL, "no memory for the models");
        }
        list->versions = versions;
        list->n_room = n_room;
    }
    list->versions[list->n++] = *version;
    return STATUS_OK;
}

static int by_name_and_number(const void *a, const void *b)
{
    const struct file_version *left = a;
    const struct file_version *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

static void log_refused(const struct file_version *file, const struct fault *fault,
                        const char *advice)
{
    log_event(LOG_WARN, "model_refused", LOG_STRING("file", file->path),
              LOG_STRING("code", status_code(fault->status)), LOG_STRING("param", fault->param),
              LOG_STRING("reason", fault->message), LOG_STRING("advice", advice));
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the models");
}

/* Of two files with one number, the other one is served. */
static enum status leave_out_version(struct model *model, const struct file_version *file,
                                     struct fault *fault)
{
    log_refused(file, fault, "replace or remove the file; whatever else is right is served");
    bool is_noted =
        model_find_version(model, file->number) ||
        unserved_find(&model->unserved, model->name, file->number) ||
        unserved_add(&model->unserved, model->name, file->number, file->read_only, fault);
    return is_noted ? STATUS_OK : no_memory(fault);
}

/* A file under a number that the model has already. In a cluster the number may be that of the same
 * file at another node, where it came from; or of another one, which counts. */
static enum status meet_known(const struct version_list *list, const struct file_version *file,
                              struct version *known, struct version *version, struct fault *fault)
{
    if (!list->sharing.engine || known->path) {
        return fault_set(fault, STATUS_INVALID_MODEL, "version",
                         "version %u of model '%s' is %s already: rename or remove one of the two",
                         file->number, file->name,
                         known->path ? known->path : "a job's, in memory");
    }
    if (!digest_equals(known->digest, version->digest)) {
        shared_model_log_differs(file->name, version, known->digest);
        return STATUS_OK;
    }
    version_bytes_unref(known->file);
    known->file = NULL;
    known->path = version->path;
    known->read_only = version->read_only;
    version->path = NULL;
    return STATUS_OK;
}

/* Reads one file into the model; what is wrong with it is logged, and it is left out. Reading fails
 * where the file, or FILES_CLOSED_FOLDER in its place, may not be read. */
static enum status load_version(struct version_list *list, const struct file_version *file,
                                struct model *model, struct fault *fault)
{
    void *bytes;
    size_t n;
    struct version version;
    arena_reset(&list->arena);
    enum status status =
        file->is_gone
            ? fault_set(fault, STATUS_INVALID_MODEL, NULL,
                        "its file %s is gone: bring it back, or delete the version", file->path)
            : files_read(file->path, &list->arena, &bytes, &n, fault);
    if (status == STATUS_OK && !file->read_only) {
        status = stored_version_check(file, digest_128(bytes, n), fault);
    }
    if (status == STATUS_OK) {
        status = version_make(file, bytes, n, &version, fault);
    }
    if (status == STATUS_OK) {
        status = model_check_version(model, &version, fault);
        struct version *known = model_find_version(model, file->number);
        bool is_kept = false;
        if (status == STATUS_OK && known) {
            status = meet_known(list, file, known, &version, fault);
        } else if (status == STATUS_OK) {
            is_kept = model_insert_version(model, version);
            status = is_kept ? STATUS_OK : no_memory(fault);
        }
        if (!is_kept) {
            version_done(&version);
        }
    }
    return status != STATUS_OK && !status_may_pass(status) ? leave_out_version(model, file, fault)
                                                           : status;
}

/* ---- whole models ---- */

static void log_model(const struct model *model)
{
    log_event(LOG_INFO, "model_loaded", LOG_STRING("model", model->name),
              LOG_INT("versions", (int64_t)model->n_versions),
              LOG_INT("active", model->active->number),
              LOG_INT("sessions", (int64_t)model_n_sessions(model)));
}

static enum status note_model(struct catalogue *catalogue, struct model *model,
                              const struct file_version *file, struct fault *fault)
{
    bool is_noted = unserved_add(&catalogue->unserved, model->name, 0, file->read_only, fault);
    model_free(model);
    return is_noted ? STATUS_OK : no_memory(fault);
}

/* All of a model, for the reason in the fault. */
static enum status leave_out(struct catalogue *catalogue, struct model *model,
                             const struct file_version *file, struct fault *fault,
                             const char *advice)
{
    log_refused(file, fault, advice);
    return note_model(catalogue, model, file, fault);
}

/* All of a model whose versions were left out one by one, and logged. */
static enum status leave_out_rest(struct catalogue *catalogue, struct model *model,
                                  const struct file_version *file, struct fault *fault)
{
    fault_set(fault, STATUS_INVALID_MODEL, NULL, "it has no version that can be: %s",
              model->unserved.entries[model->unserved.n - 1].reason);
    return note_model(catalogue, model, file, fault);
}

/* All files of one name. A model without a good version is left out, and so is a model with a file
 * that may not be read, or whose sessions' file is refused. */
static enum status load_model(struct service *service, struct catalogue *catalogue,
                              struct version_list *list, const struct file_version *files,
                              size_t n_files, struct fault *fault)
{
    static const char left_out[] = "then SIGHUP; no version of this model is served until then";
    struct model *model = model_create(files[0].name);
    enum status status =
        model ? STATUS_OK : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a model");
    if (model) {
        model->newest = files[n_files - 1].number; /* also of a version that is left out */
    }
    for (size_t k = 0; status == STATUS_OK && k < n_files; k++) {
        status = load_version(list, &files[k], model, fault);
        if (status == STATUS_STORAGE_FAILED && !fault_may_pass(fault)) {
            return leave_out(catalogue, model, &files[k], fault, left_out);
        }
    }
    if (status == STATUS_OK && model->n_versions == 0) {
        return leave_out_rest(catalogue, model, &files[n_files - 1], fault);
    }
    if (status == STATUS_OK) {
        status = stored_version_choose_active(service, model, fault);
        if (status != STATUS_OK && !fault_may_pass(fault)) {
            return leave_out(catalogue, model, &files[0], fault, left_out);
        }
    }
    if (status == STATUS_OK) {
        status = model_open_pool(service, model, fault);
        if (status == STATUS_STORAGE_FAILED) {
            return leave_out(catalogue, model, &files[0], fault,
                             "mend its sessions' file, or move it away, then SIGHUP");
        }
    }
    if (status == STATUS_OK && !catalogue_insert(catalogue, model)) {
        status = no_memory(fault);
    }
    if (status != STATUS_OK) {
        model_free(model);
        return status;
    }
    log_model(model);
    return STATUS_OK;
}

/* ---- what was loaded before ---- */

/* A version of --models that cannot be opened; the model's others stay as they are. */
static enum status leave_out_new_version(struct model *model, const struct file_version *file,
                                         struct fault *fault)
{
    log_refused(file, fault, "then SIGHUP; what was loaded before is served");
    bool is_noted =
        file->number == FILES_CLOSED_FOLDER ||
        unserved_add(&model->unserved, model->name, file->number, file->read_only, fault);
    return is_noted ? STATUS_OK : no_memory(fault);
}

/* Whether one of the model's versions is what the file holds by now. */
static bool has_digest(const struct model *model, struct digest digest)
{
    for (size_t k = 0; k < model->n_versions; k++) {
        if (digest_equals(model->versions[k].digest, digest)) {
            return true;
        }
    }
    return false;
}

static enum status store_changed(const struct service *service, struct version_list *list,
                                 struct model *model, const void *bytes, size_t n,
                                 unsigned *ret_number, struct fault *fault)
{
    const struct version by_hand = { .metrics = no_metrics };
    if (list->sharing.engine) { /* all nodes may have the new file, and one of them be the first */
        return shared_model_put(&list->sharing, model->name, bytes, n, &by_hand,
                                VERSION_ENTRY_DIGEST, ret_number, fault);
    }
    enum status status = version_store(service, model, bytes, n, fault);
    *ret_number = model->newest;
    return status;
}

/* A file of --models that is no longer what was loaded is a new version; what was loaded is served
 * on from memory. */
static enum status take_changed(const struct service *service, struct version_list *list,
                                const struct file_version *file, struct model *model,
                                struct fault *fault)
{
    void *bytes;
    size_t n;
    unsigned number;
    arena_reset(&list->arena);
    enum status status = files_read(file->path, &list->arena, &bytes, &n, fault);
    if (status == STATUS_OK && has_digest(model, digest_128(bytes, n))) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = store_changed(service, list, model, bytes, n, &number, fault);
    }
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "model_file_changed", LOG_STRING("file", file->path),
                  LOG_STRING("model", model->name), LOG_INT("version", number),
                  LOG_STRING("advice", "it is a new version: POST to its /activate makes it the "
                                       "active one; what was loaded before is served until then"));
        return STATUS_OK;
    }
    if (fault_may_pass(fault)) {
        return status;
    }
    log_refused(file, fault, "what was loaded before is served until the file is right");
    return STATUS_OK;
}

/* Versions in --models that were not there when the model was loaded, and files that have changed
 * since. They are not activated: a reload changes nothing about what requests get. Those below
 * --data were made by this process. */
static enum status load_new_versions(const struct service *service, struct version_list *list,
                                     const struct file_version *files, size_t n_files,
                                     struct model *model, struct fault *fault)
{
    enum status status = STATUS_OK;
    unsigned highest = files[n_files - 1].number; /* also of a version that is left out */
    model->newest = model->newest > highest ? model->newest : highest;
    for (size_t k = 0; status == STATUS_OK && k < n_files; k++) {
        const struct version *known = model_find_version(model, files[k].number);
        bool is_known = known && known->path && strcmp(known->path, files[k].path) == 0;
        if (!files[k].read_only) {
            continue;
        }
        if (is_known) {
            status = take_changed(service, list, &files[k], model, fault);
            continue;
        }
        size_t n_before = model->n_versions;
        status = load_version(list, &files[k], model, fault);
        if (status == STATUS_STORAGE_FAILED && !fault_may_pass(fault)) {
            status = leave_out_new_version(model, &files[k], fault);
        } else if (model->n_versions > n_before) {
            log_event(LOG_INFO, "version_loaded", LOG_STRING("model", model->name),
                      LOG_INT("version", files[k].number), LOG_STRING("file", files[k].path),
                      LOG_STRING("advice", "POST to its /activate makes it the active one"));
        }
    }
    return status;
}

/* A file of --models that is gone. The owner may be about to replace it, so it is only logged. */
static void check_file(struct version_list *list, const struct version *version)
{
    void *bytes;
    size_t n;
    struct fault fault;
    arena_reset(&list->arena);
    if (files_read(version->path, &list->arena, &bytes, &n, &fault) != STATUS_OK) {
        log_event(LOG_WARN, "model_file_lost", LOG_STRING("file", version->path),
                  LOG_STRING("reason", fault.message),
                  LOG_STRING("advice", "what was loaded is served until grud ends"));
    }
}

static void check_files(struct version_list *list, const struct catalogue *catalogue)
{
    for (size_t k = 0; k < catalogue->n_models; k++) {
        const struct model *model = catalogue->models[k];
        for (size_t v = 0; v < model->n_versions; v++) {
            if (model->versions[v].read_only) {
                check_file(list, &model->versions[v]);
            }
        }
    }
}

/* What could not be served is tried again; not what is wrong below --data in a model that is. */
static void forget_unserved(struct catalogue *catalogue)
{
    unserved_free(&catalogue->unserved);
    for (size_t m = 0; m < catalogue->n_models; m++) {
        struct unserved_list *versions = &catalogue->models[m]->unserved;
        for (size_t k = versions->n; k > 0; k--) {
            const struct unserved *unserved = &versions->entries[k - 1];
            if (unserved->read_only) {
                unserved_remove(versions, unserved->model, unserved->version);
            }
        }
    }
}

/* ---- all of them ---- */

static enum status scan_directories(const struct service *service, struct version_list *list,
                                    struct fault *fault)
{
    const struct config *config = service->config;
    enum status status = STATUS_OK;
    if (config->models[0]) {
        status = files_scan(config->models, true, collect, list, &list->n_ignored, fault);
    }
    char path[PATH_MAX];
    if (status == STATUS_OK && config->data[0] && files_models_path(config->data, path)) {
        status = files_scan(path, false, collect, list, &list->n_ignored, fault);
    }
    return status;
}

/* Adds to the catalogue what the directories hold and it has not. */
static enum status load_all(struct service *service, struct catalogue *catalogue,
                            struct version_list *list, struct fault *fault)
{
    enum status status = scan_directories(service, list, fault);
    if (list->n > 0) {
        qsort(list->versions, list->n, sizeof *list->versions, by_name_and_number);
    }
    forget_unserved(catalogue);
    catalogue->n_ignored = list->n_ignored;
    for (size_t k = 0, n; status == STATUS_OK && k < list->n; k += n) {
        const struct file_version *files = &list->versions[k];
        for (n = 1; k + n < list->n && strcmp(files[0].name, files[n].name) == 0; n++) {
        }
        struct model *known = catalogue_find(catalogue, files[0].name);
        status = known ? load_new_versions(service, list, files, n, known, fault)
                       : load_model(service, catalogue, list, files, n, fault);
    }
    if (status == STATUS_OK && list->n == 0 && !service->config->cluster[0]) {
        log_event(
            LOG_WARN, "no_models", LOG_STRING("models", service->config->models),
            LOG_STRING("advice",
                       "put NAME.safetensors into the directory of --models (GRUD_MODELS), or "
                       "PUT it to /v1/models/NAME"));
    }
    return status;
}

static struct engine *models_engine(const struct service *service)
{
    return service->cluster_watch ? cluster_watch_engine(service->cluster_watch) : NULL;
}

enum status models_load(struct service *service, struct fault *fault)
{
    struct version_list list = { .fault = fault };
    struct lineage_list lineage = { .n = 0 };
    arena_init(&list.arena, SIZE_MAX);
    enum status status = lineage_read(service->job_database, &lineage, fault);
    pthread_mutex_lock(&service->writer);
    struct catalogue *next = catalogue_copy(service->current);
    list.sharing = (struct sharing){ service, models_engine(service), next, false };
    if (status == STATUS_OK && !next) {
        status = no_memory(fault);
    }
    if (status == STATUS_OK && service->current) {
        check_files(&list, service->current);
    }
    if (status == STATUS_OK) {
        status = load_all(service, next, &list, fault);
    }
    if (status == STATUS_OK) {
        lineage_tell(&lineage, next);
        catalogue_publish(service, next);
    } else {
        catalogue_unref(next);
    }
    pthread_mutex_unlock(&service->writer);
    lineage_list_done(&lineage);
    arena_done(&list.arena);
    free(list.versions);
    return status;
}
