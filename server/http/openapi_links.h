/* openapi_links.h - which requests can follow a reply: what names a thing in it is a parameter of
 * the routes that are about that thing. Constant; any thread. */
#ifndef OPENAPI_LINKS_H
#define OPENAPI_LINKS_H

#include "http/openapi.h"

/* Appends `links` to a reply of the route, if there are any. */
void openapi_put_links(struct text *text, const struct openapi *openapi, const struct route *from);

#endif
