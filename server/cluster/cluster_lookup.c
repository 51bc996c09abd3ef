#include "cluster/cluster_lookup.h"

#include "cluster/cluster_url.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct cluster_lookup {
    char host[CLUSTER_HOST_MAX + 1], port[6];
    struct addrinfo hints;
    struct gaicb request;
    int error; /* of one that was over at once */
    bool is_asked;
};

/* By pthread_exit, which loads it the first time that a thread ends so, and aborts without it. */
bool cluster_lookup_setup(void)
{
    return dlopen("libgcc_s.so.1", RTLD_NOW) != NULL;
}

struct cluster_lookup *cluster_lookup_begin(const char *host, uint16_t port)
{
    struct cluster_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        return NULL;
    }
    struct gaicb *request = &lookup->request;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    snprintf(lookup->port, sizeof lookup->port, "%u", (unsigned)port);
    lookup->hints = (struct addrinfo){ .ai_family = AF_UNSPEC,
                                       .ai_socktype = SOCK_STREAM,
                                       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    /* an address needs nobody to be asked */
    lookup->error = getaddrinfo(lookup->host, lookup->port, &lookup->hints, &request->ar_result);
    if (lookup->error == EAI_NONAME) {
        lookup->hints.ai_flags = AI_NUMERICSERV;
        *request = (struct gaicb){ .ar_name = lookup->host,
                                   .ar_service = lookup->port,
                                   .ar_request = &lookup->hints };
        lookup->error = getaddrinfo_a(GAI_NOWAIT, &request, 1, NULL);
        lookup->is_asked = lookup->error == 0;
    }
    return lookup;
}

enum cluster_found cluster_lookup_look(const struct cluster_lookup *lookup,
                                       const struct addrinfo **ret_list, const char **ret_reason)
{
    /* glibc changes nothing of the request there */
    const int error =
        lookup->is_asked ? gai_error((struct gaicb *)(uintptr_t)&lookup->request) : lookup->error;
    if (error == EAI_INPROGRESS) {
        return CLUSTER_FINDS;
    }
    if (error != 0 || !lookup->request.ar_result) {
        *ret_reason = gai_strerror(error != 0 ? error : EAI_NODATA);
        return CLUSTER_FOUND_NOTHING;
    }
    *ret_list = lookup->request.ar_result;
    return CLUSTER_FOUND;
}

void cluster_lookup_free(struct cluster_lookup *lookup)
{
    const struct timespec most = { .tv_nsec = 100000000 };
    if (!lookup) {
        return;
    }
    struct gaicb *request = &lookup->request;
    if (lookup->is_asked && gai_cancel(request) == EAI_NOTCANCELED) {
        /* the library's thread still writes into it */
        const struct gaicb *const list[] = { request };
        (void)gai_suspend(list, 1, &most);
        if (gai_error(request) == EAI_INPROGRESS) {
            return; /* a server of names that is silent: these few bytes are left to the thread */
        }
    }
    if (request->ar_result) {
        freeaddrinfo(request->ar_result);
    }
    free(lookup);
}
