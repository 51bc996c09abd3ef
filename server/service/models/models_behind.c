#include "service/models/models_behind.h"

#include "service/service_private.h"

void models_set_behind(struct service *service, bool is_behind)
{
    atomic_store(&service->models_are_behind, is_behind);
}

bool models_are_behind(const struct service *service)
{
    return atomic_load_explicit(&service->models_are_behind, memory_order_acquire);
}

enum status models_check_behind(const struct service *service, struct fault *fault)
{
    return models_are_behind(service)
               ? fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                           "this node has not read the models of its cluster yet")
               : STATUS_OK;
}
