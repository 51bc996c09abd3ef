/* Notes: what is written is read, and what is damaged is never taken for another note. */
#include "store/files_note.h"
#include "store_support.h"
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct digest digest = { 0x0123456789abcdef, 0xfedcba9876543210 };

static struct files_note read_note(const struct folder *folder)
{
    struct files_note note;
    struct fault fault;
    char path[PATH_MAX];
    folder_path(folder, "note", path);
    ck_assert_int_eq(files_note_read(path, &note, &fault), STATUS_OK);
    return note;
}

/* Writes one, and returns its length. */
static size_t write_note(const struct folder *folder, unsigned number, bool has_digest,
                         char text[128])
{
    struct fault fault;
    bool is_durable = false;
    char path[PATH_MAX];
    folder_path(folder, "note", path);
    ck_assert_int_eq(
        files_note_write(path, number, has_digest ? &digest : NULL, &is_durable, &fault),
        STATUS_OK);
    ck_assert(is_durable);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(text, 1, 127, file);
    text[n] = '\0';
    fclose(file);
    return n;
}

static void put_bytes(const struct folder *folder, const char *bytes, size_t n)
{
    char path[PATH_MAX];
    folder_path(folder, "note", path);
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, n, file) == n);
    ck_assert_int_eq(fclose(file), 0);
}

TEST(a_note_that_was_written_is_read)
{
    struct folder folder = folder_make();
    static const unsigned numbers[] = { 1, 9, 10, 12345, INT_MAX };
    char text[128];
    ck_assert_int_eq(read_note(&folder).form, NOTE_ABSENT);
    for (size_t k = 0; k < 2 * (sizeof numbers / sizeof *numbers); k++) {
        const bool has_digest = k % 2 != 0;
        write_note(&folder, numbers[k / 2], has_digest, text);
        struct files_note note = read_note(&folder);
        ck_assert(note.form == NOTE_SEALED && note.number == numbers[k / 2]);
        ck_assert(note.has_digest == has_digest);
        ck_assert(!has_digest || digest_equals(note.digest, digest));
    }
    folder_remove(&folder);
}

TEST(a_number_alone_on_a_line_is_a_note)
{
    struct folder folder = folder_make();
    put_bytes(&folder, "12\n", 3);
    struct files_note note = read_note(&folder);
    ck_assert(note.form == NOTE_PLAIN && note.number == 12 && !note.has_digest);
    static const char *const wrong[] = { "", "12", "0\n", "-1\n", "2147483648\n", "1 \n", "x\n" };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        put_bytes(&folder, wrong[k], strlen(wrong[k]));
        ck_assert_int_eq(read_note(&folder).form, NOTE_DAMAGED);
    }
    put_bytes(&folder, "1\n\0\n", 4);
    ck_assert_int_eq(read_note(&folder).form, NOTE_DAMAGED);
    folder_remove(&folder);
}

TEST(every_flip_of_a_bit_and_every_cut_of_a_note_is_found)
{
    struct folder folder = folder_make();
    char text[128], hurt[128];
    for (unsigned k = 0; k < 2; k++) {
        size_t n = write_note(&folder, 12, k == 1, text);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            memcpy(hurt, text, n);
            hurt[bit / 8] = (char)(hurt[bit / 8] ^ 1 << bit % 8);
            put_bytes(&folder, hurt, n);
            ck_assert_msg(read_note(&folder).form == NOTE_DAMAGED, "bit %zu of %s", bit, text);
        }
        for (size_t left = 0; left < n; left++) {
            put_bytes(&folder, text, left);
            ck_assert_msg(read_note(&folder).form == NOTE_DAMAGED, "%zu bytes of %s", left, text);
        }
    }
    folder_remove(&folder);
}
