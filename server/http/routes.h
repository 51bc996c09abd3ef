/* routes.h - THE table of routes. Only http.c hands it on; all others are given it as data. */
#ifndef ROUTES_H
#define ROUTES_H

#include "http/route.h"

extern const struct route http_routes[];
extern const size_t http_n_routes;

#endif
