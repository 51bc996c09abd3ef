/* openapi_route.h - what follows from a row of the table of routes: its chapter, its name, what its
 * parameters may be, how it succeeds. The document and docs/API.md are made of it. Constant; any
 * thread. */
#ifndef OPENAPI_ROUTE_H
#define OPENAPI_ROUTE_H

#include "http/route.h"

/* The chapters in their order; NULL: there are no more. */
const char *openapi_tag(size_t index);
const char *openapi_tag_of(const struct route *route);

/* The HTTP statuses of success, from index 0; 0: there are no more. */
int openapi_code(const struct route *route, size_t index);

/* The parameters of the path, from index 0. False: there are no more. */
bool openapi_parameter(const struct route *route, size_t index, enum path_parameter *ret_parameter);
const char *openapi_parameter_name(enum path_parameter parameter);
const struct json_schema *openapi_parameter_schema(enum path_parameter parameter);

/* What a query parameter of the route may be. NULL: nothing is known of it. */
const struct json_schema *openapi_query(const struct route *route, const char *name);

enum { OPENAPI_ID_SIZE = 96 };
/* "post_model_session_step" */
void openapi_print_id(const struct route *route, char ret_id[OPENAPI_ID_SIZE]);

#endif
