#include "cluster/cluster_target.h"

#include "cluster/cluster_counts.h"
#include "cluster/cluster_lookup.h"
#include "config/config.h"
#include "secure/secret.h"
#include "secure/tls_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Printable ASCII without a space, as keys are named by people. */
static bool is_prefix(const char *text)
{
    const char *p = text;
    while (*p > ' ' && *p <= '~') {
        p++;
    }
    return *p == '\0' && (size_t)(p - text) <= CLUSTER_PREFIX_MAX;
}

/* The first line of the file. */
static enum status read_file(const char *path, char password[CLUSTER_PASSWORD_MAX + 1],
                             struct fault *fault)
{
    struct secret secret;
    enum status status = secret_read(path, "cluster-password-file", &secret, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const size_t n = strcspn(secret.text, "\r\n");
    if (n == 0 || n > CLUSTER_PASSWORD_MAX || n + strspn(secret.text + n, "\r\n") != secret.n) {
        status = fault_set(fault, STATUS_INVALID_VALUE, "cluster-password-file",
                           "%s must hold one line, the password of the cluster's engine, of at "
                           "most %d bytes",
                           path, CLUSTER_PASSWORD_MAX);
    } else if (secret.is_world_readable) {
        status = fault_set(fault, STATUS_INVALID_VALUE, "cluster-password-file",
                           "%s can be read by every user of this machine: chmod 600 it", path);
    } else {
        memcpy(password, secret.text, n);
        password[n] = '\0';
    }
    secret_wipe(&secret);
    return status;
}

static enum status read_password(const struct config *config, struct cluster_url *url,
                                 struct fault *fault)
{
    const char *path = config->cluster_password_file;
    enum status status = cluster_url_parse(config->cluster, url, fault);
    if (status != STATUS_OK || !path[0]) {
        return status;
    }
    if (url->has_password) {
        return fault_set(fault, STATUS_INVALID_VALUE, "cluster-password-file",
                         "cluster-password-file: the URL of --cluster has a password already; "
                         "one of both must go");
    }
    url->has_password = true;
    return read_file(path, url->password, fault);
}

enum status cluster_password_read(const struct config *config,
                                  struct cluster_password **ret_password, struct fault *fault)
{
    struct cluster_url url;
    struct cluster_password *password = calloc(1, sizeof *password);
    if (!password) {
        return fault_set(fault, STATUS_NO_MEMORY, "cluster",
                         "no memory for the cluster's password");
    }
    const enum status status = read_password(config, &url, fault);
    if (status == STATUS_OK) {
        memcpy(password->text, url.password, sizeof password->text);
        password->is_given = url.has_password;
        *ret_password = password;
    } else {
        cluster_password_free(password);
    }
    explicit_bzero(&url, sizeof url);
    return status;
}

void cluster_password_free(struct cluster_password *password)
{
    if (password) {
        explicit_bzero(password, sizeof *password);
        free(password);
    }
}

void cluster_target_take(struct cluster_target *target, struct cluster_password *password)
{
    password->former = atomic_load(&target->password);
    atomic_store(&target->password, password);
}

const struct cluster_password *cluster_target_password(const struct cluster_target *target)
{
    return atomic_load(&target->password);
}

/* What does not fit together, or cannot be had. */
static enum status check(const struct cluster_url *url, const struct config *config,
                         struct fault *fault)
{
    if (!cluster_lookup_setup()) {
        return fault_set(fault, STATUS_INTERNAL, "cluster",
                         "the library libgcc_s.so.1, without which no host can be looked up, is "
                         "not there (Debian's package libgcc-s1)");
    }
    if (!is_prefix(config->cluster_prefix)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "cluster-prefix",
                         "cluster-prefix has at most %d characters of printable ASCII and no space",
                         CLUSTER_PREFIX_MAX);
    }
    if (config->cluster_ca[0] && !url->is_tls) {
        return fault_set(fault, STATUS_INVALID_VALUE, "cluster-ca",
                         "cluster-ca is for TLS, and the URL of --cluster begins with redis://; "
                         "rediss:// would speak TLS");
    }
    return STATUS_OK;
}

static enum status fill(struct cluster_target *target, const struct config *config,
                        struct fault *fault)
{
    struct cluster_url *url = &target->url;
    struct cluster_password *password;
    enum status status = cluster_url_parse(config->cluster, url, fault);
    explicit_bzero(url->password, sizeof url->password);
    if (status == STATUS_OK) {
        status = check(url, config, fault);
    }
    if (status == STATUS_OK) {
        status = cluster_password_read(config, &password, fault);
    }
    if (status == STATUS_OK) {
        cluster_target_take(target, password);
    }
    if (status == STATUS_OK && url->is_tls) {
        status = tls_trust_read(config->cluster_ca, "cluster-ca", &target->trust, fault);
    }
    if (status == STATUS_OK) {
        snprintf(target->prefix, sizeof target->prefix, "%s", config->cluster_prefix);
        target->timeout_ns = (int64_t)config->cluster_timeout_ms * 1000000;
        target->n_replicas = config->cluster_replicas;
        target->heals = config->cluster_heal == CONFIG_YES;
        snprintf(target->name, sizeof target->name,
                 strchr(url->host, ':') ? "%s://[%s]:%u/%u" : "%s://%s:%u/%u",
                 url->is_tls ? "rediss" : "redis", url->host, url->port, url->db);
    }
    return status;
}

enum status cluster_target_read(const struct config *config, struct cluster_target **ret_target,
                                struct fault *fault)
{
    struct cluster_target *target = calloc(1, sizeof *target);
    if (!target) {
        return fault_set(fault, STATUS_NO_MEMORY, "cluster", "no memory for the cluster's engine");
    }
    enum status status = fill(target, config, fault);
    if (status != STATUS_OK) {
        cluster_target_free(target);
        return status;
    }
    *ret_target = target;
    return STATUS_OK;
}

void cluster_target_free(struct cluster_target *target)
{
    if (target) {
        struct cluster_password *former, *password = atomic_load(&target->password);
        for (; password; password = former) {
            former = password->former;
            cluster_password_free(password);
        }
        tls_trust_free(target->trust);
        cluster_counts_free(target);
        free(target);
    }
}
