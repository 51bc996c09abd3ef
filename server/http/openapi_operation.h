/* openapi_operation.h - one route in the document. Pure functions; any thread. */
#ifndef OPENAPI_OPERATION_H
#define OPENAPI_OPERATION_H

#include "http/openapi.h"

/* As the member "post". */
void openapi_put_operation(struct text *text, const struct openapi *openapi,
                           const struct route *route);
/* The errors that all routes answer alike with, for operations to refer to. */
void openapi_put_common(struct text *text, const struct openapi *openapi);

#endif
