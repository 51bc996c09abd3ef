#include "service/models/models_load.h"

#include "base/log.h"
#include "service/models/catalogue.h"
#include "service/models/model_versions.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

struct version_list {
    struct arena arena;
    struct file_version *versions;
    size_t n, n_room;
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

/* Reads one file into the model; what is wrong with it is logged, and it is left out. Reading fails
 * where the file, or FILES_CLOSED_FOLDER in its place, may not be read. */
static enum status load_version(struct version_list *list, const struct file_version *file,
                                struct model *model, struct fault *fault)
{
    void *bytes;
    size_t n;
    struct version version;
    arena_reset(&list->arena);
    enum status status = files_read(file->path, &list->arena, &bytes, &n, fault);
    if (status == STATUS_OK) {
        status = version_make(file, bytes, n, &version, fault);
    }
    if (status == STATUS_OK) {
        status = model_check_version(model, &version, fault);
        if (status == STATUS_OK && model_find_version(model, file->number)) {
            status =
                fault_set(fault, STATUS_INVALID_MODEL, "version",
                          "version %u of model '%s' is %s already: rename or remove one of the two",
                          file->number, file->name, model_find_version(model, file->number)->path);
        }
        if (status == STATUS_OK && !model_insert_version(model, version)) {
            status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
        }
        if (status != STATUS_OK) {
            version_done(&version);
        }
    }
    return status != STATUS_OK && !status_may_pass(status) ? leave_out_version(model, file, fault)
                                                           : status;
}

/* The version activated last; else the newest that came with the --models directory; else the
 * newest. */
static enum status choose_active(const struct service *service, struct model *model,
                                 struct fault *fault)
{
    const char *data = service->config->data;
    unsigned number = 0;
    enum status status = data[0] ? files_read_active(data, model->name, &number, fault) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    model->active = number ? model_find_version(model, number) : NULL;
    for (size_t k = model->n_versions; !model->active && k > 0; k--) {
        if (model->versions[k - 1].read_only) {
            model->active = &model->versions[k - 1];
        }
    }
    if (!model->active) {
        model->active = &model->versions[model->n_versions - 1];
    }
    return STATUS_OK;
}

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
    struct model *model = model_create(files[0].name);
    enum status status =
        model ? STATUS_OK : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a model");
    if (model) {
        model->newest = files[n_files - 1].number; /* also of a version that is left out */
    }
    for (size_t k = 0; status == STATUS_OK && k < n_files; k++) {
        status = load_version(list, &files[k], model, fault);
        if (status == STATUS_STORAGE_FAILED && !fault_may_pass(fault)) {
            return leave_out(catalogue, model, &files[k], fault,
                             "then start again; no version of this model is served until then");
        }
    }
    if (status == STATUS_OK && model->n_versions == 0) {
        return leave_out_rest(catalogue, model, &files[n_files - 1], fault);
    }
    if (status == STATUS_OK) {
        status = choose_active(service, model, fault);
    }
    if (status == STATUS_OK) {
        status = model_open_pool(service, model, fault);
        if (status == STATUS_STORAGE_FAILED) {
            return leave_out(catalogue, model, &files[0], fault,
                             "mend its sessions' file, or move it away");
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

static enum status scan_directories(const struct service *service, struct version_list *list,
                                    struct fault *fault)
{
    const struct config *config = service->config;
    enum status status = STATUS_OK;
    if (config->models[0]) {
        status = files_scan(config->models, true, collect, list, fault);
    }
    char path[PATH_MAX];
    if (status == STATUS_OK && config->data[0] && files_models_path(config->data, path)) {
        status = files_scan(path, false, collect, list, fault);
    }
    return status;
}

enum status models_load(struct service *service, struct fault *fault)
{
    struct version_list list = { .fault = fault };
    arena_init(&list.arena, SIZE_MAX);
    struct catalogue *catalogue = catalogue_copy(NULL);
    enum status status = catalogue
                             ? scan_directories(service, &list, fault)
                             : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the models");
    if (list.n > 0) {
        qsort(list.versions, list.n, sizeof *list.versions, by_name_and_number);
    }
    for (size_t k = 0, n; status == STATUS_OK && k < list.n; k += n) {
        for (n = 1; k + n < list.n && strcmp(list.versions[k].name, list.versions[k + n].name) == 0;
             n++) {
        }
        status = load_model(service, catalogue, &list, &list.versions[k], n, fault);
    }
    arena_done(&list.arena);
    free(list.versions);
    if (status != STATUS_OK) {
        catalogue_unref(catalogue);
        return status;
    }
    if (list.n == 0) {
        log_event(
            LOG_WARN, "no_models", LOG_STRING("models", service->config->models),
            LOG_STRING("advice",
                       "put NAME.safetensors into the directory of --models (GRUD_MODELS), or "
                       "PUT it to /v1/models/NAME"));
    }
    catalogue_publish(service, catalogue);
    return STATUS_OK;
}
