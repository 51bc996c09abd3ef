/* openapi_refusals.h - which errors a route may answer with: they follow from the columns of its
 * row, and from what the row itself says that it refuses. Constant; any thread. */
#ifndef OPENAPI_REFUSALS_H
#define OPENAPI_REFUSALS_H

#include "http/route.h"

bool openapi_refuses(const struct route *route, enum status status);
/* Whether all routes answer alike with this HTTP status, so that it is described once. */
bool openapi_is_common(int http_status);

#endif
