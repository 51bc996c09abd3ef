/*
 * page_assets.h - the files of the page, from server/page/, in the binary. mk/page.sh writes the
 * table when grud is built. Constant; any thread.
 */
#ifndef PAGE_ASSETS_H
#define PAGE_ASSETS_H

#include <stddef.h>

struct page_form {
    const unsigned char *bytes;
    size_t n;
    const char *tag; /* a strong entity tag, in its quotes: a digest of the bytes */
};

struct page_asset {
    const char *name; /* its path below server/page/: "views/jobs.js" */
    struct page_form plain, gzip;
};

extern const struct page_asset page_assets[];
extern const size_t page_n_assets;

#endif
