/* api_page.c - the page at /, and the files that it consists of. */
#include "http/api.h"
#include "http/negotiation.h"
#include "http/page_assets.h"
#include "http/page_folder.h"

#include <string.h>

#define INDEX "index.html"

/* Nothing from elsewhere, no script but the page's own files, in nobody's frame; and what it shows
 * is of no other page's. */
static const struct reply_header safety[] = {
    { "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
      "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Opener-Policy", "same-origin" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
};

enum { N_SAFETY = sizeof safety / sizeof *safety, N_OTHERS = 4 };

/* What the names of its files end with. */
static const struct {
    const char *ending;
    enum media media;
} kinds[] = {
    { ".html", MEDIA_HTML },
    { ".js", MEDIA_JAVASCRIPT },
    { ".css", MEDIA_CSS },
    { ".svg", MEDIA_SVG },
};

/* A bit of MEDIA_SET_, or 0. */
static unsigned media_of(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t k = 0; ending && k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(ending, kinds[k].ending) == 0) {
            return 1u << kinds[k].media;
        }
    }
    return 0;
}

static const struct page_asset *find_asset(const char *name)
{
    for (size_t k = 0; k < page_n_assets; k++) {
        if (strcmp(page_assets[k].name, name) == 0) {
            return &page_assets[k];
        }
    }
    return NULL;
}

static enum status not_found(struct request *request, const char *name)
{
    return fault_set(request->fault, STATUS_ROUTE_NOT_FOUND, NULL, "the page has no file '%s'",
                     name);
}

static enum status no_memory(struct request *request)
{
    return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
}

/* Begins the reply, with the headers of all; room for N_OTHERS more. */
static bool begin_reply(struct request *request, int code, unsigned media)
{
    struct reply_header *headers =
        arena_array(request->arena, N_SAFETY + N_OTHERS, sizeof *headers);
    if (headers) {
        memcpy(headers, safety, sizeof safety);
        request->reply = (struct reply){ .code = code,
                                         .body = "",
                                         .media = media_first(media),
                                         .headers = headers,
                                         .n_headers = N_SAFETY };
    }
    return headers != NULL;
}

static void add_header(struct request *request, const char *name, const char *value)
{
    request->reply.headers[request->reply.n_headers++] = (struct reply_header){ name, value };
}

/* Kept by the browser, and asked for each time: a new grud shows its own page at once. */
static enum status reply_asset(struct request *request, const struct page_asset *asset,
                               unsigned media)
{
    const bool is_gzip = negotiation_wants_gzip(request_header(request, "Accept-Encoding"));
    const struct page_form *form = is_gzip ? &asset->gzip : &asset->plain;
    const bool is_known = negotiation_has_tag(request_header(request, "If-None-Match"), form->tag);
    if (!begin_reply(request, is_known ? 304 : 200, media)) {
        return no_memory(request);
    }
    add_header(request, "Cache-Control", "no-cache");
    add_header(request, "Vary", "Accept-Encoding");
    add_header(request, "ETag", form->tag);
    if (!is_known) {
        request->reply.body = (const char *)form->bytes;
        request->reply.n_body = form->n;
        if (is_gzip) {
            add_header(request, "Content-Encoding", "gzip");
        }
    }
    return STATUS_OK;
}

static enum status reply_from_folder(struct request *request, const char *name, unsigned media)
{
    const char *bytes;
    size_t n = 0;
    enum status status = page_folder_read(request->config->page_dir, name, request->arena, &bytes,
                                          &n, request->fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (!bytes) {
        return not_found(request, name);
    }
    if (!begin_reply(request, 200, media)) {
        return no_memory(request);
    }
    add_header(request, "Cache-Control", "no-store");
    request->reply.body = bytes;
    request->reply.n_body = n;
    return STATUS_OK;
}

static enum status reply_file(struct request *request, const char *name)
{
    const unsigned media = media_of(name) & request->route->gives;
    if (request->config->no_page == CONFIG_YES) {
        return fault_set(request->fault, STATUS_ROUTE_NOT_FOUND, NULL,
                         "this grud was started without its page (--no-page)");
    }
    if (media && request->config->page_dir[0] != '\0') {
        return reply_from_folder(request, name, media);
    }
    const struct page_asset *asset = media ? find_asset(name) : NULL;
    return asset ? reply_asset(request, asset, media) : not_found(request, name);
}

enum status api_page(struct request *request)
{
    return reply_file(request, INDEX);
}

enum status api_page_file(struct request *request)
{
    const char *folder = request->parameters[PARAMETER_FOLDER];
    struct text name;
    text_init(&name, request->arena, 64);
    if (folder) {
        text_print(&name, "%s/", folder);
    }
    text_print(&name, "%s", request->parameters[PARAMETER_FILE]);
    text_append(&name, "", 1);
    return name.failed ? no_memory(request) : reply_file(request, name.p);
}
