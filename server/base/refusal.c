#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_MAX = 120 /* bytes of a path */, REMEDY_MAX = 100 };

/* As the process that asks, not as the user that started it. */
static bool is_allowed(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static bool is_folder(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

/* The part of the path that is the reason: the first one that is not there or cannot be passed, or
 * the whole path. */
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

/* For a link, what it leads to counts. */
static bool explain_link(const char *obstacle, char advice[REFUSAL_MAX])
{
    struct stat file;
    if (lstat(obstacle, &file) != 0 || !S_ISLNK(file.st_mode) || stat(obstacle, &file) == 0) {
        return false;
    }
    char target[SHOWN_MAX + 1];
    ssize_t n = readlink(obstacle, target, SHOWN_MAX);
    snprintf(advice, REFUSAL_MAX, "; %.*s is a link to %.*s, which %s", SHOWN_MAX, obstacle,
             n > 0 ? (int)n : 0, target,
             errno == ENOENT ? "is not there: make or mount that"
                             : "grud cannot reach: mend its permissions");
    return true;
}

/* To pass through a folder takes fewer rights than to use it; and an owner has the owner's rights
 * alone, whatever others may. */
static void print_remedy(const struct stat *file, bool is_passed, enum refusal_of refusal,
                         char remedy[REMEDY_MAX])
{
    unsigned me = geteuid();
    bool is_directory = S_ISDIR(file->st_mode);
    const char *use = is_passed ? "" : refusal == REFUSAL_TO_READ ? "r" : "rw";
    if (file->st_uid == me) {
        snprintf(remedy, REMEDY_MAX, "chmod u+%s%s it", use, is_directory ? "x" : "");
        return;
    }
    const char *other = file->st_uid != 0 ? ", or run grud as that uid" : "";
    if (is_passed || refusal == REFUSAL_TO_READ) {
        snprintf(remedy, REMEDY_MAX, "chmod a+%s%s it%s", use, is_directory ? "x" : "", other);
    } else {
        snprintf(remedy, REMEDY_MAX, "chown %u it%s%s", me,
                 is_directory ? ", or use a named volume" : "", other);
    }
}

static void explain_permission(const char *path, enum refusal_of refusal, char advice[REFUSAL_MAX])
{
    struct stat file;
    char obstacle[PATH_MAX], remedy[REMEDY_MAX];
    find_obstacle(path, obstacle);
    if (explain_link(obstacle, advice)) {
        return;
    }
    bool is_passed = strcmp(obstacle, path) != 0;
    if (stat(obstacle, &file) != 0) {
        find_folder_of(obstacle);
        if (stat(obstacle, &file) != 0) {
            return;
        }
    }
    int use = is_passed ? 0 : refusal == REFUSAL_TO_READ ? R_OK : W_OK;
    if (is_allowed(obstacle, use | (S_ISDIR(file.st_mode) ? X_OK : 0))) {
        snprintf(advice, REFUSAL_MAX,
                 "; uid %u may by owner and mode of %.*s, so look at SELinux (a container's volume "
                 "wants :z) and "
                 "the like",
                 geteuid(), SHOWN_MAX, obstacle);
        return;
    }
    print_remedy(&file, is_passed, refusal, remedy);
    snprintf(advice, REFUSAL_MAX,
             "; %.*s belongs to uid %u and has mode %o, grud runs as uid %u: %s", SHOWN_MAX,
             obstacle, file.st_uid, file.st_mode & 07777, geteuid(), remedy);
}

/* What to do about it, behind "; ", or nothing. */
static void print_advice(const char *path, enum refusal_of refusal, int error,
                         char advice[REFUSAL_MAX])
{
    char obstacle[PATH_MAX];
    advice[0] = '\0';
    switch (error) {
    case EACCES:
    case EPERM:
        explain_permission(path, refusal, advice);
        break;
    case ENOENT:
        find_obstacle(path, obstacle);
        if (explain_link(obstacle, advice)) {
            break;
        }
        snprintf(advice, REFUSAL_MAX, "; make or mount %.*s, or name another place", SHOWN_MAX,
                 obstacle);
        break;
    case ENOTDIR:
        find_obstacle(path, obstacle);
        snprintf(advice, REFUSAL_MAX, "; name a directory instead of %.*s", SHOWN_MAX, obstacle);
        break;
    case EROFS:
        snprintf(advice, REFUSAL_MAX,
                 "; mount it for writing, or in a container a volume, without :ro");
        break;
    case ENOSPC:
    case EDQUOT:
        snprintf(advice, REFUSAL_MAX, "; make room for bytes (see df -h) or for files (df -i)");
        break;
    }
}

const char *refusal_print(const char *path, enum refusal_of refusal, int error,
                          char text[REFUSAL_MAX])
{
    char advice[REFUSAL_MAX];
    print_advice(path, refusal, error, advice);
    int n = snprintf(text, REFUSAL_MAX, "%s", strerrordesc_np(error));
    snprintf(text + n, (size_t)(REFUSAL_MAX - n), "%s", advice);
    return text;
}

void refusal_fill(struct fault *fault, const char *param, const char *task, const char *path,
                  enum refusal_of refusal, int error)
{
    char advice[REFUSAL_MAX];
    print_advice(path, refusal, error, advice);
    fault_fill(fault, STATUS_STORAGE_FAILED, param, "cannot %s %s: %s", task, path,
               strerrordesc_np(error));
    fault_add_advice(fault, advice);
    fault->error = error;
}
