/* formats.h - for tests: the files of former formats, which tests/fixtures/formats/make.sh froze.
 */
#ifndef FORMATS_H
#define FORMATS_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMATS "tests/fixtures/formats"

static inline void format_unpack_archive(unsigned format, const char *archive, const char *folder)
{
    char command[600];
    snprintf(command, sizeof command, "mkdir -p '%s' && tar -C '%s' -xzf " FORMATS "/%u/%s.tar.gz",
             folder, folder, format, archive);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a test
}

/* Puts the data directory of that format into the folder, as `data`. */
static inline void format_unpack(unsigned format, const char *folder)
{
    format_unpack_archive(format, "data", folder);
}

#endif
