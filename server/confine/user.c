#include "confine/confine.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_BYTES = 16 << 10 };

static enum status failed(struct fault *fault, const char *name, const char *what)
{
    return fault_set(fault, STATUS_INTERNAL, "user",
                     "cannot become '%s': %s: %s; it takes the capabilities SETUID and SETGID",
                     name, what, strerrordesc_np(errno));
}

static enum status find_user(const char *name, struct passwd *ret_user, char entry[ENTRY_BYTES],
                             struct fault *fault)
{
    struct passwd *found = NULL;
    int error = getpwnam_r(name, ret_user, entry, ENTRY_BYTES, &found);
    if (!found) {
        return fault_set(fault, STATUS_INVALID_VALUE, "user", "there is no user '%s'%s%s", name,
                         error ? ": " : "", error ? strerrordesc_np(error) : "");
    }
    if (found->pw_uid == 0) {
        return fault_set(fault, STATUS_INVALID_VALUE, "user",
                         "'%s' is root, not somebody to become", name);
    }
    if (geteuid() != 0) {
        return fault_set(
            fault, STATUS_INVALID_VALUE, "user",
            "only root can become '%s': start it as root, or without --user (GRUD_USER)", name);
    }
    return STATUS_OK;
}

/* The folder above it must be there. What is there already is left as it is. */
static enum status make_directory(const char *path, const struct passwd *user, struct fault *fault)
{
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? STATUS_OK
                               : refusal_set(fault, "data", "create the directory", path,
                                             REFUSAL_TO_KEEP, errno);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool fine = fd >= 0 && fchown(fd, user->pw_uid, user->pw_gid) == 0;
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    return fine ? STATUS_OK
                : fault_set(fault, STATUS_INVALID_VALUE, "data",
                            "cannot give the data directory %s to '%s': %s", path, user->pw_name,
                            strerrordesc_np(error));
}

/* All three ids are the user's, and root's cannot be had again. */
static bool is_for_good(const struct passwd *user)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 || getresgid(&gid[0], &gid[1], &gid[2]) != 0) {
        return false;
    }
    for (int k = 0; k < 3; k++) {
        if (uid[k] != user->pw_uid || gid[k] != user->pw_gid) {
            return false;
        }
    }
    return setuid(0) != 0 && seteuid(0) != 0;
}

enum status confine_to_user(const char *name, const char *data, struct fault *fault)
{
    struct passwd user;
    char entry[ENTRY_BYTES];
    enum status status = find_user(name, &user, entry, fault);
    if (status == STATUS_OK && data[0]) {
        status = make_directory(data, &user, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (initgroups(user.pw_name, user.pw_gid) != 0) {
        return failed(fault, name, "its groups");
    }
    if (setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0) {
        return failed(fault, name, "its group");
    }
    if (setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0) {
        return failed(fault, name, "its id");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failed(fault, name, "no new privileges");
    }
    return is_for_good(&user)
               ? STATUS_OK
               : fault_set(fault, STATUS_INTERNAL, "user", "became '%s', but not for good", name);
}
