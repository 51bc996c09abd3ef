#include "commands/csv.h"

#include "commands/input_file.h"
#include "json/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum csv_read csv_fail(struct csv *csv, size_t line, const char *format, ...)
{
    int n = line > 0 ? snprintf(csv->error, sizeof csv->error, "line %zu: ", line) : 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(csv->error + n, sizeof csv->error - (size_t)n, format, arguments);
    va_end(arguments);
    return CSV_BAD;
}

const char *csv_quote(const char *text, char ret_text[CSV_QUOTE_SIZE])
{
    size_t n = 0;
    const char *p = text;
    for (; *p != '\0' && n + sizeof "..." < CSV_QUOTE_SIZE; p++) {
        size_t n_control = utf8_control_length(p);
        ret_text[n++] = n_control > 0 ? '?' : *p;
        p += n_control > 0 ? n_control - 1 : 0;
    }
    n = utf8_whole(ret_text, n);
    memcpy(ret_text + n, *p != '\0' ? "..." : "\0\0\0", sizeof "...");
    return ret_text;
}

size_t csv_find_column(const struct csv *csv, const char *name)
{
    size_t column = 0;
    while (column < csv->n_columns && strcmp(csv->names[column], name) != 0) {
        column++;
    }
    return column;
}

/* ---- a field ---- */

static bool is_blank(const struct csv *csv, char c)
{
    return c == ' ' || (c == '\t' && csv->separator != '\t');
}

static bool ends_field(const struct csv *csv, const char *p)
{
    return p == csv->end || *p == csv->separator || *p == '\n' || *p == '\r';
}

static void skip_blanks(struct csv *csv)
{
    while (csv->p < csv->end && is_blank(csv, *csv->p)) {
        csv->p++;
    }
}

/* One LF, CR or CR LF. */
static char *skip_line_end(struct csv *csv, char *p)
{
    p += *p == '\r' && p + 1 < csv->end && p[1] == '\n' ? 2 : 1;
    csv->next_line++;
    return p;
}

/* What stands between the quotes moves to the front of its place; doubled quotes become one. */
static bool read_quoted(struct csv *csv, char **ret_end)
{
    const size_t line = csv->next_line;
    char *to = csv->p++;
    for (;;) {
        if (csv->p == csv->end) {
            csv_fail(csv, line, "a double quote opens here and is never closed");
            return false;
        }
        if (*csv->p == '"' && csv->p + 1 < csv->end && csv->p[1] == '"') {
            csv->p++;
        } else if (*csv->p == '"') {
            break;
        } else if (*csv->p == '\n' || (*csv->p == '\r' && csv->p[1] != '\n')) {
            csv->next_line++;
        }
        *to++ = *csv->p++;
    }
    csv->p++;
    skip_blanks(csv);
    if (!ends_field(csv, csv->p)) {
        csv_fail(csv, csv->next_line,
                 "something follows the double quote that closes field %zu; a quote within a field "
                 "is doubled",
                 csv->n_fields + 1);
        return false;
    }
    *ret_end = to;
    return true;
}

static char *read_plain(struct csv *csv)
{
    const char *begin = csv->p;
    while (!ends_field(csv, csv->p)) {
        csv->p++;
    }
    char *end = csv->p;
    while (end > begin && is_blank(csv, end[-1])) {
        end--;
    }
    return end;
}

static bool add_field(struct csv *csv, char *field)
{
    if (csv->n_fields == csv->n_room) {
        size_t n_room = 2 * csv->n_room + 16;
        char **fields = reallocarray(csv->fields, n_room, sizeof *fields);
        if (!fields) {
            csv_fail(csv, 0, "out of memory");
            return false;
        }
        csv->fields = fields;
        csv->n_room = n_room;
    }
    csv->fields[csv->n_fields++] = field;
    return true;
}

/* ---- a record ---- */

/* At least one field; what ends it is passed over, and each field gets a NUL at its end. */
static bool read_fields(struct csv *csv)
{
    csv->line = csv->next_line;
    csv->n_fields = 0;
    for (bool is_last = false; !is_last;) {
        skip_blanks(csv);
        char *begin = csv->p, *end;
        if (csv->p < csv->end && *csv->p == '"') {
            if (!read_quoted(csv, &end)) {
                return false;
            }
        } else {
            end = read_plain(csv);
        }
        is_last = csv->p == csv->end || *csv->p != csv->separator;
        if (csv->p < csv->end) {
            csv->p = is_last ? skip_line_end(csv, csv->p) : csv->p + 1;
        }
        *end = '\0';
        if (!add_field(csv, begin)) {
            return false;
        }
    }
    return true;
}

static enum csv_read refuse_length(struct csv *csv)
{
    if (csv->n_fields == 1 && csv->fields[0][0] == '\0') {
        return csv_fail(csv, csv->line, "empty; a row has %zu fields", csv->n_columns);
    }
    return csv_fail(csv, csv->line, "%zu field%s, but line 1 names %zu column%s%s", csv->n_fields,
                    csv->n_fields == 1 ? "" : "s", csv->n_columns, csv->n_columns == 1 ? "" : "s",
                    csv->separator == ',' && csv->n_fields > csv->n_columns
                        ? "; numbers have a decimal point, not a comma"
                        : "");
}

enum csv_read csv_next(struct csv *csv)
{
    if (csv->p == csv->end) {
        return CSV_END;
    }
    if (!read_fields(csv)) {
        return CSV_BAD;
    }
    return csv->n_fields == csv->n_columns ? CSV_RECORD : refuse_length(csv);
}

/* ---- the file ---- */

/* Text of one byte a character at least, without its mark and the empty lines at its end. */
static bool check_text(struct csv *csv, size_t n_bytes)
{
    csv->p = csv->bytes;
    csv->end = csv->bytes + n_bytes;
    if (n_bytes >= 2 &&
        (memcmp(csv->p, "\xff\xfe", 2) == 0 || memcmp(csv->p, "\xfe\xff", 2) == 0)) {
        csv_fail(csv, 0, "is in UTF-16; save it as UTF-8");
        return false;
    }
    if (n_bytes >= 3 && memcmp(csv->p, "\xef\xbb\xbf", 3) == 0) {
        csv->p += 3;
    }
    size_t line = 1;
    for (const char *p = csv->p; p < csv->end; p++) {
        line += *p == '\n' || (*p == '\r' && (p + 1 == csv->end || p[1] != '\n'));
        if (*p == '\0') {
            csv_fail(csv, line, "a byte is zero, so this is no text");
            return false;
        }
        size_t n = utf8_length(p, csv->end);
        if (n == 0) {
            csv_fail(csv, line, "not in UTF-8; save the file as UTF-8");
            return false;
        }
        p += n - 1;
    }
    while (csv->end > csv->p && strchr("\r\n", csv->end[-1])) {
        csv->end--;
    }
    if (csv->p == csv->end) {
        csv_fail(csv, 0, "is empty; line 1 is to name the columns");
        return false;
    }
    return true;
}

/* The first of them that stands in line 1 outside quotes. */
static char find_separator(const struct csv *csv)
{
    bool is_quoted = false;
    for (const char *p = csv->p; p < csv->end && (is_quoted || (*p != '\n' && *p != '\r')); p++) {
        is_quoted = is_quoted != (*p == '"');
        if (!is_quoted && (*p == ',' || *p == ';' || *p == '\t')) {
            return *p;
        }
    }
    return ',';
}

static bool read_names(struct csv *csv)
{
    csv->next_line = 1;
    csv->separator = find_separator(csv);
    if (!read_fields(csv)) {
        return false;
    }
    csv->names = csv->fields;
    csv->n_columns = csv->n_fields;
    csv->fields = NULL;
    csv->n_room = 0;
    return true;
}

bool csv_open(struct csv *csv, const char *path)
{
    *csv = (struct csv){ .n_columns = 0 };
    size_t n_bytes;
    csv->bytes = input_file_read(path, &n_bytes);
    if (!csv->bytes) {
        csv_fail(csv, 0, errno == EINVAL ? "is no regular file; save the readings in one" : "%m");
        return false;
    }
    if (!check_text(csv, n_bytes) || !read_names(csv)) {
        csv_close(csv);
        return false;
    }
    return true;
}

void csv_close(struct csv *csv)
{
    free(csv->names);
    free(csv->fields);
    free(csv->bytes);
    csv->names = csv->fields = NULL;
    csv->bytes = NULL;
}
