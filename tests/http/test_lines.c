#include "http/lines.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 10 };

struct fixture {
    struct arena arena;
    struct lines lines;
    char got[512]; /* "1:first|3:third|" */
};

static void set_up(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    arena_init(&fixture->arena, 1 << 16);
    lines_init(&fixture->lines, &fixture->arena, LINE_MAX_BYTES);
}

/* The lines that there are by now, at most `most`. */
static void take(struct fixture *fixture, size_t most)
{
    const char *line;
    size_t n;
    for (size_t k = 0; k < most && lines_next(&fixture->lines, &line, &n); k++) {
        size_t used = strlen(fixture->got);
        snprintf(fixture->got + used, sizeof fixture->got - used, "%zu:%.*s|",
                 fixture->lines.number, line ? (int)n : 4, line ? line : "LONG");
    }
}

/* All of it, in pieces of n bytes, of which at most `most` lines are taken at once. */
static const char *cut(struct fixture *fixture, const char *text, size_t n, size_t most)
{
    set_up(fixture);
    for (size_t at = 0; at < strlen(text); at += n) {
        size_t rest = strlen(text) - at;
        ck_assert_int_eq(lines_add(&fixture->lines, text + at, rest < n ? rest : n), STATUS_OK);
        take(fixture, most);
    }
    lines_end(&fixture->lines);
    take(fixture, SIZE_MAX);
    arena_done(&fixture->arena);
    return fixture->got;
}

TEST(lines_do_not_depend_on_how_they_arrive)
{
    static const char *const texts[][2] = {
        { "", "" },
        { "\n\n", "" },
        { "one", "1:one|" },
        { "one\ntwo\n", "1:one|2:two|" },
        { "one\r\n\r\n\ntwo\r\nthree", "1:one|4:two|5:three|" },
        { "0123456789\n", "1:0123456789|" },
        { "0123456789a\nb\n", "1:LONG|2:b|" },
        { "0123456789abcdefghijklmnopqrstuvwxyz\nb", "1:LONG|2:b|" },
        { "a\n0123456789abcdefghijklmnopqrstuvwxyz", "1:a|2:LONG|" },
        { "01234567890\n01234567890\nx", "1:LONG|2:LONG|3:x|" },
    };
    struct fixture fixture;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        for (size_t n = 1; n <= 40; n++) {
            for (size_t most = 0; most <= 3; most++) {
                const char *got = cut(&fixture, texts[k][0], n, most);
                ck_assert_msg(strcmp(got, texts[k][1]) == 0, "%s by %zu, %zu: %s", texts[k][0], n,
                              most, got);
            }
        }
    }
}

TEST(lines_that_are_taken_leave_their_memory_to_others)
{
    struct fixture fixture;
    set_up(&fixture);
    for (int k = 0; k < 100000; k++) {
        ck_assert_int_eq(lines_add(&fixture.lines, "1234567\n12", 10), STATUS_OK);
        ck_assert_int_eq(lines_add(&fixture.lines, "345\n", 4), STATUS_OK);
        fixture.got[0] = '\0';
        take(&fixture, 2);
    }
    ck_assert_uint_eq(fixture.lines.number, 200000);
    arena_done(&fixture.arena);
}

TEST(a_line_that_does_not_fit_into_memory_is_refused_and_not_cut)
{
    char piece[4000];
    struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    memset(piece, 'a', sizeof piece);
    arena_init(&fixture.arena, 20000);
    lines_init(&fixture.lines, &fixture.arena, 1 << 20);
    enum status status = STATUS_OK;
    for (int k = 0; k < 10 && status == STATUS_OK; k++) {
        status = lines_add(&fixture.lines, piece, sizeof piece);
    }
    ck_assert_int_eq(status, STATUS_REQUEST_TOO_LARGE);
    ck_assert_int_eq(lines_add(&fixture.lines, "\n", 1), STATUS_REQUEST_TOO_LARGE);
    take(&fixture, SIZE_MAX);
    ck_assert_str_eq(fixture.got, "");
    arena_done(&fixture.arena);
}
