#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_MAX = 120 /* bytes of a path */ };

/* As the process that asks, not as whoever started it. */
static bool is_allowed(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static bool is_folder(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

/* What stands in the way: the first part of the path that is not there or cannot be passed, or the path. */
static void find_obstacle(const char *path, char obstacle[PATH_MAX])
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(obstacle, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
        if (!is_folder(obstacle) || !is_allowed(obstacle, X_OK)) {
            return;
        }
    }
    snprintf(obstacle, PATH_MAX, "%s", path);
}

/* What is to be made in a folder needs the folder's permission. */
static void find_folder_of(char path[PATH_MAX])
{
    char *slash = strrchr(path, '/');
    if (!slash) {
        snprintf(path, PATH_MAX, ".");
    } else {
        slash[slash == path] = '\0';
    }
}

static void explain_permission(const char *path, enum refusal_of refusal, char advice[REFUSAL_MAX])
{
    struct stat file;
    char obstacle[PATH_MAX];
    find_obstacle(path, obstacle);
    if (stat(obstacle, &file) != 0) {
        find_folder_of(obstacle);
        if (stat(obstacle, &file) != 0) {
            return;
        }
    }
    unsigned me = geteuid(), owner = file.st_uid, mode = file.st_mode & 07777;
    bool is_directory = S_ISDIR(file.st_mode);
    if (is_allowed(obstacle, (refusal == REFUSAL_TO_READ ? R_OK : W_OK) | (is_directory ? X_OK : 0))) {
        snprintf(
            advice, REFUSAL_MAX,
            "; uid %u may by owner and mode of %.*s, so look at SELinux (a container's volume wants :z) and "
            "the like",
            me, SHOWN_MAX, obstacle);
        return;
    }
    int n = snprintf(advice, REFUSAL_MAX,
                     "; %.*s belongs to uid %u and has mode %o, grud runs as uid %u: ", SHOWN_MAX, obstacle,
                     owner, mode, me);
    if (refusal == REFUSAL_TO_READ) {
        n += snprintf(advice + n, (size_t)(REFUSAL_MAX - n), "chmod o+r%s it", is_directory ? "x" : "");
    } else {
        n += snprintf(advice + n, (size_t)(REFUSAL_MAX - n), "chown %u it%s", me,
                      is_directory ? ", or use a named volume" : "");
    }
    snprintf(advice + n, (size_t)(REFUSAL_MAX - n), "%s", owner != 0 ? ", or run grud as that uid" : "");
}

const char *refusal_print(const char *path, enum refusal_of refusal, int error, char text[REFUSAL_MAX])
{
    char obstacle[PATH_MAX], advice[REFUSAL_MAX] = "";
    switch (error) {
    case EACCES:
    case EPERM:
        explain_permission(path, refusal, advice);
        break;
    case ENOENT:
        find_obstacle(path, obstacle);
        snprintf(advice, sizeof advice, "; make or mount %.*s, or name another place", SHOWN_MAX, obstacle);
        break;
    case ENOTDIR:
        find_obstacle(path, obstacle);
        snprintf(advice, sizeof advice, "; name a directory instead of %.*s", SHOWN_MAX, obstacle);
        break;
    case EROFS:
        snprintf(advice, sizeof advice, "; mount it for writing, or in a container a volume, without :ro");
        break;
    case ENOSPC:
    case EDQUOT:
        snprintf(advice, sizeof advice, "; make room for bytes (see df -h) or for files (df -i)");
        break;
    }
    int n = snprintf(text, REFUSAL_MAX, "%s", strerrordesc_np(error));
    snprintf(text + n, (size_t)(REFUSAL_MAX - n), "%s", advice);
    return text;
}
