#include "service/models/change.h"

#include "base/log.h"
#include "service/models/model_versions.h"
#include "service/service_private.h"

enum status change_begin(struct service_context *context, struct catalogue **ret_next,
                         struct fault *fault)
{
    pthread_mutex_lock(&context->service->writer);
    *ret_next = catalogue_reserve_renewals(context, 2) && catalogue_renew(context)
                    ? catalogue_copy(context->catalogue)
                    : NULL;
    return *ret_next ? STATUS_OK
                     : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
}

enum status change_end(struct service_context *context, struct catalogue *next, bool publish,
                       enum status status)
{
    if (status == STATUS_OK && publish) {
        catalogue_publish(context->service, next);
        (void)!catalogue_renew(context); /* room was reserved */
    } else {
        catalogue_unref(next);
    }
    pthread_mutex_unlock(&context->service->writer);
    return status;
}

enum status change_find(const struct catalogue *next, const char *name, unsigned number,
                        struct model **ret_model, struct version **ret_version, struct fault *fault)
{
    *ret_model = catalogue_find(next, name);
    if (!*ret_model) {
        return catalogue_refuse(next, name, fault);
    }
    *ret_version = model_find_version(*ret_model, number);
    return *ret_version ? STATUS_OK : model_refuse_version(*ret_model, number, fault);
}

void change_delete_file(const char *path)
{
    struct fault fault;
    bool is_durable;
    if (files_take_back_version(path, &is_durable, &fault) != STATUS_OK) {
        log_event(LOG_ERROR, "version_not_taken_back", LOG_STRING("file", path),
                  LOG_STRING("reason", fault.message));
    }
}

enum status change_not_durable(struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "done, but the disk refused to make it durable: a power failure may undo it");
}
