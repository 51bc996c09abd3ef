/*
 * absent.h - paths that clients look for because other servers, or other versions of grud, have
 * them, and that this one has not: so that a 404 says so. A route is removed from here when it
 * comes. Pure, any thread.
 */
#ifndef ABSENT_H
#define ABSENT_H

/* What there is none of, and what to do instead where there is something; NULL: the path means
 * nothing. */
const char *absent_find(const char *path);

#endif
