/* pool_open.c - a pool is opened: the file that there is, one of an earlier format or of another
 * layout, or a new one. */
#include "service/pool/pool_file.h"
#include "service/pool/pool_load.h"
#include "service/pool/pool_move.h"
#include "service/pool/pool_translate.h"

#include <errno.h>
#include <unistd.h>

/* A new file is begun beside its place, so that there is never a part of one in it. */
static enum status open_new(const struct pool_options *options, const char *beside,
                            struct pool **ret_pool, struct fault *fault)
{
    struct pool *pool = NULL;
    const char *path = options->path;
    enum status status = pool_load(options, path ? beside : NULL, true, &pool, fault);
    if (status == STATUS_OK && path) {
        status = pool_replace_file(pool, beside, path, fault);
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        unlink(beside);
        return status;
    }
    *ret_pool = pool;
    return STATUS_OK;
}

enum status pool_open(const struct pool_options *options, struct pool **ret_pool,
                      struct fault *fault)
{
    char beside[PATH_MAX];
    struct pool *pool;
    pool_clear_beside(options, beside);
    if (!options->path || (access(options->path, F_OK) != 0 && errno == ENOENT)) {
        return open_new(options, beside, ret_pool, fault);
    }
    enum status status = pool_load(options, options->path, false, &pool, fault);
    if (status == STATUS_OK && pool_file_is_former(pool)) {
        struct pool *old = pool;
        status = pool_file_format1(old) ? pool_upgrade(options, old, beside, &pool, fault)
                                        : pool_translate(options, old, beside, &pool, fault);
        pool_unref(old);
    }
    if (status != STATUS_OK || pool_fits(pool, options)) {
        if (status == STATUS_OK) {
            pool_file_claim(pool, options);
            *ret_pool = pool;
        }
        return status;
    }
    status = pool_convert(options, pool, ret_pool, fault);
    pool_unref(pool);
    return status;
}
