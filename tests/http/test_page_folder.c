/* The folder of --page-dir: what is in it is read, and nothing beside it. */
#include "http/page_folder.h"

#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct page {
    char *above, *folder; /* `folder` is in `above`, which has a file of its own */
    struct arena arena;
};

static struct page page_begin(void)
{
    struct page page = { .above = folder_create() };
    page.folder = path_in(page.above, "page");
    text_write(page.above, "page/index.html", "<p>");
    text_write(page.above, "page/views/a.js", "a()");
    text_write(page.above, "page/.hidden.js", "hidden");
    text_write(page.above, "page/.git/a.js", "hidden");
    text_write(page.above, "beside.js", "beside");
    arena_init(&page.arena, 1 << 20);
    return page;
}

static void page_end(struct page *page)
{
    arena_done(&page->arena);
    free(page->folder);
    folder_remove(page->above);
}

static void expect_text(struct page *page, const char *name, const char *text)
{
    struct fault fault;
    const char *bytes = "";
    size_t n = 0;
    enum status status = page_folder_read(page->folder, name, &page->arena, &bytes, &n, &fault);
    ck_assert_int_eq(status, STATUS_OK);
    ck_assert_msg(text ? bytes && n == strlen(text) && memcmp(bytes, text, n) == 0 : !bytes, "%s",
                  name);
}

TEST(a_file_is_read_as_it_is_now)
{
    struct page page = page_begin();
    expect_text(&page, "index.html", "<p>");
    expect_text(&page, "views/a.js", "a()");
    text_write(page.above, "page/views/a.js", "another()");
    expect_text(&page, "views/a.js", "another()");
    text_write(page.above, "page/views/a.js", "");
    expect_text(&page, "views/a.js", "");
    page_end(&page);
}

TEST(nothing_is_read_beside_the_folder)
{
    static const char *const names[] = {
        "no.js",
        "../beside.js",
        "views/../index.html",
        "..",
        ".",
        "",
        "views",
        "views/",
        "/index.html",
        ".hidden.js",
        ".git/a.js",
        "./index.html",
        "views/a.js/",
        "index.html/a",
        "views/./a.js",
        "a b.js",
        "a\\b.js",
        "caf\xc3\xa9.js",
        "/etc/passwd",
        "views//a.js",
    };
    struct page page = page_begin();
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        expect_text(&page, names[k], NULL);
    }
    char name[400];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    expect_text(&page, name, NULL);
    name[300] = '/';
    expect_text(&page, name, NULL);
    page_end(&page);
}

TEST(links_and_what_is_no_file_are_not_followed)
{
    struct page page = page_begin();
    char *link = path_in(page.folder, "link.js"), *room = path_in(page.folder, "room"),
         *pipe_path = path_in(page.folder, "pipe.js"), *inner = path_in(page.folder, "inner.js");
    ck_assert_int_eq(symlink("../beside.js", link), 0);
    ck_assert_int_eq(symlink("index.html", inner), 0);
    ck_assert_int_eq(symlink("..", room), 0);
    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    expect_text(&page, "link.js", NULL);
    expect_text(&page, "inner.js", NULL);
    expect_text(&page, "room/beside.js", NULL);
    expect_text(&page, "pipe.js", NULL); /* and nobody waits for a writer */
    free(link);
    free(room);
    free(pipe_path);
    free(inner);
    page_end(&page);
}

TEST(a_file_that_is_too_large_is_refused)
{
    struct page page = page_begin();
    struct fault fault;
    const char *bytes = "";
    size_t n = 0;
    char *path = path_in(page.folder, "large.js");
    text_write(page.above, "page/large.js", "x");
    ck_assert_int_eq(truncate(path, (4 << 20) + 1), 0);
    ck_assert_int_eq(page_folder_read(page.folder, "large.js", &page.arena, &bytes, &n, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_int_eq(truncate(path, 4 << 20), 0); /* more than the arena has */
    ck_assert_int_eq(page_folder_read(page.folder, "large.js", &page.arena, &bytes, &n, &fault),
                     STATUS_NO_MEMORY);
    free(path);
    page_end(&page);
}

TEST(a_folder_without_an_index_is_refused_with_its_name)
{
    struct page page = page_begin();
    struct fault fault;
    char *views = path_in(page.folder, "views"), *index = path_in(page.folder, "index.html");
    ck_assert_int_eq(page_folder_check(page.folder, &fault), STATUS_OK);
    ck_assert_int_eq(page_folder_check(views, &fault), STATUS_INVALID_VALUE);
    ck_assert_msg(strstr(fault.message, views) != NULL, "%s", fault.message);
    ck_assert_int_eq(page_folder_check(index, &fault), STATUS_INVALID_VALUE);
    ck_assert_int_eq(page_folder_check("/no/such/folder", &fault), STATUS_INVALID_VALUE);
    free(views);
    free(index);
    page_end(&page);
}
