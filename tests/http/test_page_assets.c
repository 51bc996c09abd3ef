/* The files of the page in the binary: all of them, small, and nothing else. */
#include "http/page_assets.h"

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GZIP_BYTES_MAX = 68000 };

static bool is_comment(const char *line)
{
    line += strspn(line, " ");
    return strncmp(line, "/*", 2) == 0 || strncmp(line, "//", 2) == 0 || *line == '*';
}

/* Line by line. What others have written is there whole; ours lacks comments, and nothing else. */
static void expect_file(const struct page_asset *asset)
{
    char path[256];
    static char line[1 << 17];
    size_t at = 0;
    snprintf(path, sizeof path, "server/page/%s", asset->name);
    const bool is_whole = strncmp(asset->name, "vendor/", 7) == 0;
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    while (fgets(line, sizeof line, file)) {
        const size_t n = strlen(line);
        if (n <= asset->plain.n - at && memcmp(asset->plain.bytes + at, line, n) == 0) {
            at += n;
        } else {
            ck_assert_msg(!is_whole && is_comment(line), "%s lacks %.60s", path, line);
        }
    }
    ck_assert_uint_eq(at, asset->plain.n);
    fclose(file);
}

TEST(each_file_is_in_the_binary_but_for_comments)
{
    bool has_index = false;
    for (size_t k = 0; k < page_n_assets; k++) {
        expect_file(&page_assets[k]);
        has_index = has_index || strcmp(page_assets[k].name, "index.html") == 0;
        const char *slash = strchr(page_assets[k].name, '/');
        ck_assert_msg(!slash || !strchr(slash + 1, '/'), "%s: no route leads there",
                      page_assets[k].name);
    }
    ck_assert(has_index);
}

TEST(tags_are_in_quotes_and_each_form_has_its_own)
{
    for (size_t k = 0; k < 2 * page_n_assets; k++) {
        const struct page_asset *asset = &page_assets[k / 2];
        const char *tag = k % 2 ? asset->gzip.tag : asset->plain.tag;
        ck_assert_uint_eq(strlen(tag), 34);
        ck_assert(tag[0] == '"' && tag[33] == '"');
        for (size_t i = 0; i < k; i++) {
            const struct page_asset *other = &page_assets[i / 2];
            ck_assert_str_ne(tag, i % 2 ? other->gzip.tag : other->plain.tag);
        }
    }
}

TEST(compressed_the_page_takes_68_kilobytes_at_most)
{
    size_t n = 0;
    for (size_t k = 0; k < page_n_assets; k++) {
        const struct page_form *gzip = &page_assets[k].gzip;
        ck_assert(gzip->n > 18 && gzip->bytes[0] == 0x1f && gzip->bytes[1] == 0x8b);
        ck_assert_uint_eq(gzip->bytes[3], 0);                 /* no file name, */
        ck_assert(memcmp(gzip->bytes + 4, "\0\0\0", 4) == 0); /* and no time */
        n += gzip->n;
    }
    if (getenv("GRUD_TEST_FIGURES")) { // NOLINT(concurrency-mt-unsafe)
        printf("the page: %zu bytes of gzip in %zu files\n", n, page_n_assets);
    }
    ck_assert_msg(n <= GZIP_BYTES_MAX, "%zu bytes", n);
}
