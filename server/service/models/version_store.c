#include "service/models/version_store.h"

#include "base/clock.h"
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/models/version_bytes.h"
#include "service/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
}

static enum status write_file(const char *data, const char *model, const void *bytes, size_t n,
                              struct version *version, struct fault *fault)
{
    struct file_version file;
    enum status status = files_write_version(data, model, version->number, bytes, n, &file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    version->path = strdup(file.path);
    version->number = file.number;
    version->created_at_ms = file.created_at_ms;
    if (!version->path) {
        change_delete_file(file.path);
        return no_memory(fault);
    }
    return STATUS_OK;
}

static enum status keep_bytes(const void *bytes, size_t n, struct version *version,
                              struct fault *fault)
{
    version->file = version_bytes_create(n);
    if (!version->file) {
        return no_memory(fault);
    }
    memcpy(version->file->bytes, bytes, n);
    version->created_at_ms = clock_wall_ms();
    return STATUS_OK;
}

static enum status keep(const struct service *service, struct model *model, const void *bytes,
                        size_t n, struct version *version, struct fault *fault)
{
    const char *data = service->config->data;
    enum status status = model_check_version(model, version, fault);
    free(version->path); /* where it came from is not where it is kept */
    version->path = NULL;
    if (status == STATUS_OK) {
        status = data[0] ? write_file(data, model->name, bytes, n, version, fault)
                         : keep_bytes(bytes, n, version, fault);
    }
    if (status == STATUS_OK && !model_insert_version(model, *version)) {
        if (version->path) {
            change_delete_file(version->path);
        }
        status = no_memory(fault);
    }
    return status;
}

enum status version_store(const struct service *service, struct model *model, const void *bytes,
                          size_t n, struct fault *fault)
{
    struct file_version file = { .number = model->newest + 1 };
    struct version version = { .number = 0 };
    snprintf(file.name, sizeof file.name, "%s", model->name);
    enum status status = version_make(&file, bytes, n, &version, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = keep(service, model, bytes, n, &version, fault);
    if (status != STATUS_OK) {
        version_done(&version);
    }
    return status;
}
