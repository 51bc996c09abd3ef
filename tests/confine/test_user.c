/* From root to somebody else, for good. Where the tests do not run as root, only the refusals can
 * be seen. */
#include "child.h"
#include "confine/confine.h"
#include "test.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOMEBODY "nobody" /* on every system */

enum { FOLDER_BYTES = 64 };

static bool is_root(void)
{
    if (geteuid() != 0) {
        printf("SKIPPED: only root can become somebody else\n");
        return false;
    }
    return true;
}

static int become(const void *data)
{
    struct fault fault = { .status = STATUS_OK };
    const struct passwd *user = getpwnam(SOMEBODY);
    gid_t group = user->pw_gid;
    if (confine_to_user(SOMEBODY, data, &fault) != STATUS_OK) {
        return 1;
    }
    if (getuid() != user->pw_uid || geteuid() != user->pw_uid || getgid() != group ||
        getegid() != group) {
        return 2;
    }
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0) {
        return 3;
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        return 4;
    }
    gid_t groups[64];
    int n = getgroups(64, groups);
    for (int k = 0; k < n; k++) {
        if (groups[k] == 0) {
            return 5; /* root's own are gone */
        }
    }
    return access("/etc/shadow", R_OK) == 0 ? 6 : 0;
}

TEST(root_becomes_somebody_for_good)
{
    if (is_root()) {
        ck_assert_int_eq(in_child(become, ""), 0);
    }
}

static void make_folder(char folder[FOLDER_BYTES])
{
    snprintf(folder, FOLDER_BYTES, "/tmp/grud-confine-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

TEST(a_data_directory_is_made_for_them)
{
    char folder[FOLDER_BYTES], data[FOLDER_BYTES + 8];
    struct stat status;
    if (!is_root()) {
        return;
    }
    make_folder(folder);
    snprintf(data, sizeof data, "%s/data", folder);
    ck_assert_int_eq(in_child(become, data), 0);
    ck_assert_int_eq(stat(data, &status), 0);
    ck_assert_uint_eq(status.st_uid, getpwnam(SOMEBODY)->pw_uid);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    ck_assert_int_eq(rmdir(data), 0);
    ck_assert_int_eq(in_child(become, folder), 0); /* what is there stays as it is */
    ck_assert_int_eq(stat(folder, &status), 0);
    ck_assert_uint_eq(status.st_uid, 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

struct refusal {
    const char *user, *data;
    enum status status;
    const char *text;
};

static int be_refused(const void *argument)
{
    const struct refusal *refusal = argument;
    struct fault fault = { .status = STATUS_OK };
    uid_t before = geteuid();
    enum status status = confine_to_user(refusal->user, refusal->data, &fault);
    return status == refusal->status && strstr(fault.message, refusal->text) && geteuid() == before
               ? 0
               : 1;
}

TEST(who_cannot_be_become_is_refused_with_the_reason)
{
    static const struct refusal refusals[] = {
        { "no-such-user", "", STATUS_INVALID_VALUE, "there is no user 'no-such-user'" },
        { "root", "", STATUS_INVALID_VALUE, "'root' is root" },
    };
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
        ck_assert_msg(in_child(be_refused, &refusals[k]) == 0, "%s", refusals[k].user);
    }
    static const struct refusal no_parent = { SOMEBODY, "/nonexistent/data", STATUS_STORAGE_FAILED,
                                              "/nonexistent/data" };
    if (is_root()) {
        ck_assert_int_eq(in_child(be_refused, &no_parent), 0);
    }
}

static int be_refused_as_somebody(const void *unused)
{
    static const struct refusal refusal = { "daemon", "", STATUS_INVALID_VALUE,
                                            "only root can become 'daemon'" };
    (void)unused;
    return geteuid() == 0 && setuid(getpwnam(SOMEBODY)->pw_uid) != 0 ? 2 : be_refused(&refusal);
}

TEST(only_root_becomes_somebody)
{
    ck_assert_int_eq(in_child(be_refused_as_somebody, NULL), 0);
}
