/* The options of an engine, read together. */
#include "cluster/cluster_target.h"

#include "certificates.h"
#include "cluster_support.h"
#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum status read_target(const struct link_options *options, struct cluster_target **target,
                               struct fault *fault)
{
    struct config config;
    char url[512];
    *fault = (struct fault){ .message = "" };
    options_fill(&config, url, options, 7000);
    return cluster_target_read(&config, target, fault);
}

static void check_refused(const struct link_options *options, const char *param, const char *words)
{
    struct cluster_target *target;
    struct fault fault;
    ck_assert_int_eq(read_target(options, &target, &fault), STATUS_INVALID_VALUE);
    ck_assert_str_eq(fault.param, param);
    ck_assert_msg(strstr(fault.message, words) != NULL, "%s", fault.message);
    ck_assert_ptr_null(strstr(fault.message, "s3cret"));
}

TEST(its_name_has_neither_user_nor_password)
{
    const struct link_options plain = { .user_part = "ann:s3cret@", .db = 3 },
                              address_6 = { .host = "[::1]" };
    struct cluster_target *target;
    struct fault fault;
    ck_assert_int_eq(read_target(&plain, &target, &fault), STATUS_OK);
    ck_assert_str_eq(target->name, "redis://127.0.0.1:7000/3");
    ck_assert_str_eq(target->prefix, "grud:");
    ck_assert_int_eq(target->timeout_ns, 60000000000);
    cluster_target_free(target);
    ck_assert_int_eq(read_target(&address_6, &target, &fault), STATUS_OK);
    ck_assert_str_eq(target->name, "redis://[::1]:7000/0");
    cluster_target_free(target);
}

TEST(a_password_is_the_only_line_of_its_file)
{
    static const struct {
        const char *text, *password; /* NULL: refused */
    } files[] = {
        { "s3cret", "s3cret" }, { "s3cret\n", "s3cret" }, { "s3 cret\r\n", "s3 cret" },
        { "", NULL },           { "\n", NULL },           { "s3cret\nanother\n", NULL },
        { "\ns3cret\n", NULL },
    };
    char *folder = folder_create(), *path = path_in(folder, "password");
    const struct link_options options = { .user_part = "ann@", .password_file = path };
    struct cluster_target *target;
    struct fault fault;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        text_write(folder, "password", files[k].text);
        ck_assert_int_eq(chmod(path, 0600), 0);
        if (files[k].password) {
            ck_assert_msg(read_target(&options, &target, &fault) == STATUS_OK, "%s", fault.message);
            ck_assert_str_eq(target->url.user, "ann");
            ck_assert_str_eq(cluster_target_password(target)->text, files[k].password);
            cluster_target_free(target);
        } else {
            check_refused(&options, "cluster-password-file", "one line");
        }
    }
    folder_remove(folder);
    free(path);
}

TEST(a_password_that_is_no_secret_is_refused)
{
    char *folder = folder_create(), *path = path_in(folder, "password");
    const struct link_options once = { .password_file = path },
                              twice = { .user_part = ":s3cret@", .password_file = path };
    text_write(folder, "password", "s3cret\n");
    ck_assert_int_eq(chmod(path, 0604), 0);
    check_refused(&once, "cluster-password-file", "chmod 600");
    ck_assert_int_eq(chmod(path, 0600), 0);
    check_refused(&twice, "cluster-password-file", "one of both");
    folder_remove(folder);
    check_refused(&once, "cluster-password-file", "cannot be opened");
    free(path);
}

TEST(prefixes_are_printable_and_short)
{
    char prefix[CLUSTER_PREFIX_MAX + 2];
    struct cluster_target *target;
    struct fault fault;
    const struct link_options longest = { .prefix = prefix };
    memset(prefix, 'x', sizeof prefix);
    prefix[CLUSTER_PREFIX_MAX] = '\0';
    ck_assert_int_eq(read_target(&longest, &target, &fault), STATUS_OK);
    ck_assert_str_eq(target->prefix, prefix);
    cluster_target_free(target);
    prefix[CLUSTER_PREFIX_MAX] = 'x';
    prefix[CLUSTER_PREFIX_MAX + 1] = '\0';
    check_refused(&longest, "cluster-prefix", "at most");
    check_refused(&(struct link_options){ .prefix = "a b" }, "cluster-prefix", "no space");
    check_refused(&(struct link_options){ .prefix = "\xc3\xa4" }, "cluster-prefix", "printable");
    ck_assert_int_eq(read_target(&(struct link_options){ .prefix = "" }, &target, &fault),
                     STATUS_OK);
    cluster_target_free(target);
}

TEST(authorities_are_read_where_there_is_tls)
{
    char *folder = folder_create(), *path = path_in(folder, "ca.pem"),
         *key = path_in(folder, "key");
    const struct link_options tls = { .scheme = "rediss", .ca = path }, none = { .ca = path };
    struct cluster_target *target;
    struct fault fault;
    check_refused(&tls, "cluster-ca", "cannot be read");
    text_write(folder, "ca.pem", "nothing\n");
    check_refused(&tls, "cluster-ca", "PEM");
    certificate_write(path, key, CERTIFICATE_EC, 1, 3600);
    ck_assert_msg(read_target(&tls, &target, &fault) == STATUS_OK, "%s", fault.message);
    ck_assert_str_eq(target->name, "rediss://127.0.0.1:7000/0");
    ck_assert_ptr_nonnull(target->trust);
    cluster_target_free(target);
    check_refused(&none, "cluster-ca", "rediss://");
    folder_remove(folder);
    free(path);
    free(key);
}
