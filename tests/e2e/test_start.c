/* Starts that fail, as an operator causes them: one line that says what is wrong, and the exit code
 * that says whether trying again may help. */
#include "certificates.h"
#include "daemon.h"
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16384, NOT_HERE = 77 /* of a setup: this machine does not let us */ };
enum who {
    ANYBODY,
    USER, /* uid 10001, in a folder that it owns: only root can become it */
    ROOT  /* root's rights over files and mounts */
};

#define GOOD "tests/fixtures/golden/torch-small.safetensors"

/* Leaves what a start leaves: this one fails at the very end. */
#define MAKE_DATA "$D/grud --listen 127.0.0.1:0 --data $D/d --port-file $D/none/port 2>/dev/null"

/* Shell words, in which $D is a folder of the test's own, $P a port that is in use. */
struct wrong {
    const char *setup, *options;
    enum who who;
    int code;
    const char *said[3]; /* in the line; $D stands for the folder here, too */
};

/* ---- the table ---- */

// clang-format off
static const struct wrong options[] = {
    { "", "--colour red", ANYBODY, 2, { "--colour", "no such option", "grud --help" } },
    { "", "serve", ANYBODY, 2, { "not 'serve'" } },
    { "", "--workers many", ANYBODY, 2, { "'workers' takes a whole number from 0 to 256, not 'many'" } },
    { "", "--workers", ANYBODY, 2, { "--workers", "value is missing" } },
    { "", "--workers '1\n2'", ANYBODY, 2, { "not '1?2'" } },
    { "", "--config $D/none", ANYBODY, 2, { "$D/none", "No such file", "make or mount $D/none" } },
    { "", "--config $D", ANYBODY, 2, { "$D: ", "Is a directory" } },
    { "echo colour = red > $D/f", "--config $D/f", ANYBODY, 2, { "$D/f:1: there is no option 'colour'" } },
    { "printf '# mine\\n\\nmodels = \"/srv/grud\"\\n' > $D/f", "--config $D/f", ANYBODY, 2,
      { "$D/f:3: option 'models' takes its value without quotes: write /srv/grud, not \"/srv/grud\"" } },
    { "touch $D/f; chmod 600 $D/f", "--config $D/f", USER, 2, { "$D/f", "Permission denied", "chmod a+r it" } },
};

static const struct wrong addresses[] = {
    { "", "--listen 127.0.0.1:$P", ANYBODY, 1, { "Address already in use; end what listens there" } },
    { "", "--listen 0.0.0.0:$P --listen-remote yes", ANYBODY, 1, { "listen on 0.0.0.0:", "already in use" } },
    { "", "--listen 192.0.2.1:0 --listen-remote yes", ANYBODY, 2, { "192.0.2.1:0: Cannot assign", "0.0.0.0" } },
    { "", "--listen 8080", ANYBODY, 2, { "'8080' is no address; 127.0.0.1:8080" } },
    { "", "--listen example.org:80", ANYBODY, 2, { "'example.org:80' is no address" } },
    { "", "--listen 0.0.0.0:0", ANYBODY, 2, { "GRUD_API_KEYS", "GRUD_LISTEN_REMOTE=yes" } },
    { "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) -gt 80 || exit 77", "--listen 127.0.0.1:80",
      USER, 2, { "127.0.0.1:80: Permission denied", "below 1024" } },
    { "", "--port-file $D/none/port", ANYBODY, 2, { "cannot create $D/none/port.tmp: No such file", "mount $D/none," } },
    { "mkdir -m 755 $D/p", "--port-file $D/p/port", USER, 2, { "$D/p/port.tmp: Permission", "chown 10001 it" } },
    { "mkdir -m 755 $D/p; touch $D/p/port; chown 10001 $D/p/port", "--port-file $D/p/port", USER, 2,
      { "$D/p/port.tmp: Permission", "; $D/p belongs to uid 0" } },
    { "mkdir $D/p", "--port-file $D/p", ANYBODY, 2, { "cannot write $D/p: Is a directory" } },
};

static const struct wrong secrets[] = {
    { "", "--api-keys $D/none", ANYBODY, 2, { "api-keys", "$D/none cannot be opened: No such file" } },
    { "", "--api-keys $D", ANYBODY, 2, { "$D is not a regular file" } },
    { "echo abc > $D/f", "--api-keys $D/f", ANYBODY, 2, { "$D/f:1: expected KEY scope" } },
    { "echo abc > $D/f; chmod 600 $D/f", "--api-keys $D/f", USER, 2,
      { "$D/f cannot be opened: Permission denied", "belongs to uid 0 and has mode 600", "chown 10001 it" } },
    { "", "--tls-cert $D/cert1.pem", ANYBODY, 2, { "--tls-cert and --tls-key go together" } },
    { "", "--tls-cert $D/none --tls-key $D/key1.pem", ANYBODY, 2, { "tls-cert", "$D/none cannot be opened" } },
    { "", "--tls-cert $D/cert1.pem --tls-key $D/key2.pem", ANYBODY, 2, { "$D/key2.pem is not the key of" } },
    { "", "--tls-cert $D/key1.pem --tls-key $D/key1.pem", ANYBODY, 2, { "$D/key1.pem is no certificate chain" } },
    { "chmod 644 $D/cert1.pem; chmod 600 $D/key1.pem", "--tls-cert $D/cert1.pem --tls-key $D/key1.pem",
      USER, 2, { "tls-key", "$D/key1.pem cannot be opened: Permission denied", "chown 10001 it" } },
    { "", "--user nobody", USER, 2, { "only root can become 'nobody'", "GRUD_USER" } },
    { "", "--user no-such-user", ANYBODY, 2, { "there is no user 'no-such-user'" } },
};

static const struct wrong models[] = {
    { "", "--models $D/none", ANYBODY, 2, { "models", "$D/none: No such file", "mount $D/none," } },
    { "touch $D/f", "--models $D/f", ANYBODY, 2, { "$D/f: Not a directory", "instead of $D/f" } },
    { "mkdir -m 700 $D/m; chown 1000 $D/m", "--models $D/m", USER, 2,
      { "$D/m: Permission denied", "belongs to uid 1000 and has mode 700, grud runs as uid 10001", "chmod a+rx it, or run grud as that uid" } },
    { "mkdir -m 0 $D/m; chown 10001 $D/m", "--models $D/m", USER, 2, { "$D/m: Permission denied", "has mode 0,", ": chmod u+rx it\"" } },
    { "mkdir -p $D/m/m; chmod 700 $D/m", "--models $D/m/m", USER, 2,
      { "; $D/m belongs to uid 0 and has mode 700", ": chmod a+x it\"" } },
    { "mkdir -m 700 $D/m; mkdir $D/m/m; ln -s $D/m/m $D/l", "--models $D/l", USER, 2,
      { "$D/l: Permission denied; $D/l is a link to $D/m/m, which grud cannot reach" } },
    { "ln -s $D/none $D/l", "--models $D/l", ANYBODY, 2, { "; $D/l is a link to $D/none, which is not there" } },
    { "mkdir -m 744 $D/m; cp $GOOD $D/m", "--models $D/m", USER, 2, { "Permission denied", "; $D/m belongs to" } },
};

static const struct wrong data[] = {
    { "", "--data $D/none/data", ANYBODY, 2, { "data", "$D/none/data: No such file", "mount $D/none," } },
    { "touch $D/f", "--data $D/f", ANYBODY, 2, { "$D/f/models: Not a directory", "instead of $D/f" } },
    { "mkdir -m 755 $D/d", "--data $D/d", USER, 2,
      { "; $D/d belongs to uid 0 and has mode 755, grud runs as uid 10001: chown 10001 it", "named volume" } },
    { "mkdir -m 500 $D/d; chown 10001 $D/d", "--data $D/d", USER, 2, { "has mode 500", ": chmod u+rwx it\"" } },
    { "mkdir -m 700 $D/d $D/d/d; chown 10001 $D/d/d", "--data $D/d/d", USER, 2,
      { "; $D/d belongs to uid 0 and has mode 700", ": chmod a+x it\"" } },
    { "mkdir -m 755 $D/d $D/d/models $D/d/sessions", "--data $D/d", USER, 2, { "$D/d/lock: Permission denied; $D/d b" } },
    { "mkdir -m 777 $D/d; touch $D/d/lock", "--data $D/d", USER, 2, { "; $D/d/lock belongs to uid 0" } },
    { "mkdir -m 777 $D/d; touch $D/d/jobs.db", "--data $D/d", USER, 2, { "; $D/d/jobs.db belongs to uid 0" } },
    { MAKE_DATA "; chown -R 10001 $D/d; chown 0 $D/d/jobs.db; chmod 644 $D/d/jobs.db", "--data $D/d", USER, 2,
      { "; $D/d/jobs.db belongs to uid 0 and has mode 644" } },
    { "mkdir -m 777 $D/d; touch $D/d/recordings.db; chmod 600 $D/d/recordings.db", "--data $D/d --record 9",
      USER, 2, { "; $D/d/recordings.db belongs to uid 0" } },
    { "mkdir $D/d; seq 9999 >$D/d/jobs.db", "--data $D/d", ANYBODY, 2,
      { "$D/d/jobs.db (file is not a database): move it away" } },
    { "mkdir $D/d $D/d/jobs.db", "--data $D/d", ANYBODY, 2, { "$D/d/jobs.db: Is a directory" } },
    { "", "--data $D/held", ANYBODY, 1, { "another grud is using the data directory $D/held; end that one" } },
    { "mkdir $D/d; mount -t tmpfs -o ro none $D/d || exit 77", "--data $D/d", ROOT, 2,
      { "$D/d/models: Read-only file system", "without :ro" } },
    { "mkdir $D/d; mount -t tmpfs none $D/d || exit 77; mkdir $D/d/models $D/d/sessions; "
      "mount -o remount,ro none $D/d", "--data $D/d", ROOT, 2, { "$D/d/lock: Read-only file system" } },
    { "mkdir $D/d; mount -t tmpfs -o size=4k none $D/d || exit 77", "--data $D/d",
      ROOT, 1, { "$D/d/jobs.db: No space left", "df -h" } },
    { "mkdir $D/d; mount -t tmpfs -o nr_inodes=2 none $D/d || exit 77", "--data $D/d",
      ROOT, 1, { "$D/d/sessions: No space left", "df -i" } },
    { "mkdir $D/d; mount -t tmpfs -o nr_inodes=5 none $D/d || exit 77", "--data $D/d",
      ROOT, 1, { "$D/d/jobs.db: No space left", "df -i" } },
    { "mkdir $D/d; mount -t tmpfs -o nr_inodes=1 none $D/d || exit 77", "--user nobody --data $D/d/d",
      ROOT, 1, { "create the directory $D/d/d: No space left", "df -i" } },
};
// clang-format on

/* ---- running it ---- */

struct place {
    char directory[32];
    int held, listener;
};

static int run_shell(const char *script, char *output, size_t size)
{
    FILE *pipe = popen(script, "re"); // NOLINT(cert-env33-c): scripts of our own
    ck_assert_ptr_nonnull(pipe);
    size_t n = fread(output, 1, size - 1, pipe);
    output[n] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whatever is mounted from now on goes with this process. */
static bool own_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void make_held(struct place *place)
{
    char path[64];
    snprintf(path, sizeof path, "%s/held", place->directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/held/lock", place->directory);
    place->held = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(flock(place->held, LOCK_EX), 0);
}

static void make_listener(struct place *place)
{
    char port[16];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof address;
    place->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(place->listener, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(listen(place->listener, 1), 0);
    ck_assert_int_eq(getsockname(place->listener, (struct sockaddr *)&address, &n), 0);
    snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
    setenv("P", port, 1); // NOLINT(concurrency-mt-unsafe): this program has one thread
}

/* A program that everybody may run, where the tree may be root's only. */
static struct place make_place(void)
{
    char output[OUTPUT_MAX], certificate[64], key[64];
    struct place place = { .directory = "/tmp/grud-start-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(place.directory));
    setenv("D", place.directory, 1); // NOLINT(concurrency-mt-unsafe)
    setenv("GOOD", GOOD, 1);         // NOLINT(concurrency-mt-unsafe)
    ck_assert_int_eq(run_shell("chmod 755 $D; install -m 755 ${GRUD:-build/grud} $D/grud 2>&1",
                               output, sizeof output),
                     0);
    for (int k = 1; k <= 2; k++) {
        snprintf(certificate, sizeof certificate, "%s/cert%d.pem", place.directory, k);
        snprintf(key, sizeof key, "%s/key%d.pem", place.directory, k);
        certificate_write(certificate, key, CERTIFICATE_EC, (unsigned char)k, 3600);
    }
    make_held(&place);
    make_listener(&place);
    return place;
}

static void remove_place(const struct place *place)
{
    char output[OUTPUT_MAX];
    close(place->held);
    close(place->listener);
    ck_assert_int_eq(run_shell("if mountpoint -q $D/d; then umount $D/d; fi; rm -r $D 2>&1", output,
                               sizeof output),
                     0);
}

/* Whether the line says it, with the place's folder for $D. */
static bool says(const char *line, const char *words, const char *directory)
{
    char full[512] = "";
    for (const char *variable; (variable = strstr(words, "$D")); words = variable + 2) {
        size_t n = strlen(full);
        snprintf(full + n, sizeof full - n, "%.*s%s", (int)(variable - words), words, directory);
    }
    size_t n = strlen(full);
    snprintf(full + n, sizeof full - n, "%s", words);
    return strstr(line, full) != NULL;
}

/* The one line that complains: of the log, at the level error, or of the configuration's reader. */
static char *find_complaint(char *output, int *ret_n)
{
    char *complaint = NULL;
    *ret_n = 0;
    for (char *line = strtok(output, "\n"); line;
         line = strtok(NULL, "\n")) { // NOLINT(concurrency-mt-unsafe)
        const char *level = strchr(line, ' ');
        if (strncmp(line, "grud: ", 6) == 0 || (level && strncmp(level, " error ", 7) == 0)) {
            complaint = line;
            (*ret_n)++;
        } else { /* nothing but the log */
            ck_assert_msg(strncmp(line, "20", 2) == 0, "an odd line: %s", line);
        }
    }
    return complaint;
}

static void expect_refusal(const struct wrong *wrong)
{
    static char output[OUTPUT_MAX], script[1024];
    const char *as = wrong->who == USER ? "setpriv --reuid 10001 --regid 10001 --clear-groups" : "";
    if (wrong->who != ANYBODY && !(geteuid() == 0 && own_mounts())) {
        printf("%s: SKIPPED, it takes root\n", wrong->options);
        return;
    }
    struct place place = make_place();
    int code = run_shell(*wrong->setup ? wrong->setup : ":", output, sizeof output);
    if (code == NOT_HERE) {
        printf("%s: SKIPPED, this cannot be set up here: %s\n", wrong->options, wrong->setup);
        remove_place(&place);
        return;
    }
    ck_assert_msg(code == 0, "%s: %s", wrong->setup, output);
    /* one that starts is ended, and found out by its code */
    snprintf(script, sizeof script, "timeout 60 %s $D/grud --listen 127.0.0.1:0 %s 2>&1", as,
             wrong->options);
    code = run_shell(script, output, sizeof output);
    ck_assert_msg(code == wrong->code, "%s ended with %d, not %d: %s", wrong->options, code,
                  wrong->code, output);
    int n;
    const char *line = find_complaint(output, &n);
    ck_assert_msg(n == 1, "%s: %d lines complain, the last one: %s", wrong->options, n,
                  line ? line : "");
    for (size_t k = 0; k < 3 && wrong->said[k]; k++) {
        ck_assert_msg(says(line, wrong->said[k], place.directory), "no '%s' in: %s", wrong->said[k],
                      line);
    }
    remove_place(&place);
}

#define EXPECT_REFUSALS(table)                                                                     \
    do {                                                                                           \
        for (size_t k = 0; k < sizeof(table) / sizeof *(table); k++) {                             \
            expect_refusal(&(table)[k]);                                                           \
        }                                                                                          \
    } while (0)

TEST(wrong_options_are_said_in_a_line)
{
    EXPECT_REFUSALS(options);
}

TEST(help_and_version_stand_alone)
{
    static const char *const words[] = { "--help", "-h", "--version" };
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        char output[2 * OUTPUT_MAX], line[128];
        ck_assert_int_eq(daemon_run((const char *const[]){ words[k], NULL }, output, sizeof output),
                         0);
        ck_assert(strncmp(output, "grud ", 5) == 0);
        int code =
            daemon_run((const char *const[]){ words[k], "junk", NULL }, output, sizeof output);
        snprintf(line, sizeof line, "grud: %s stands alone, without 'junk'\n", words[k]);
        ck_assert_int_eq(code, 2);
        ck_assert_str_eq(output, line);
    }
}

TEST(addresses_that_cannot_be_are_said_in_a_line)
{
    EXPECT_REFUSALS(addresses);
}

TEST(keys_and_certificates_that_cannot_be_used_are_said_in_a_line)
{
    EXPECT_REFUSALS(secrets);
}

TEST(models_that_cannot_be_read_are_said_in_a_line)
{
    EXPECT_REFUSALS(models);
}

TEST(data_that_cannot_be_kept_is_said_in_a_line)
{
    EXPECT_REFUSALS(data);
}

TEST(an_unknown_variable_is_said_in_a_line)
{
    static const struct wrong unknown = {
        "", "", ANYBODY, 2, { "variable GRUD_MODEL: there is no such option" }
    };
    setenv("GRUD_MODEL", "x", 1); // NOLINT(concurrency-mt-unsafe)
    expect_refusal(&unknown);
    unsetenv("GRUD_MODEL"); // NOLINT(concurrency-mt-unsafe)
}

/* ---- starts that do not fail ---- */

/* How many lines of the log have this beginning behind the time. */
static int count_lines(const struct daemon *daemon, const char *beginning)
{
    char path[160], line[2048];
    int n = 0;
    snprintf(path, sizeof path, "%s/log", daemon->directory);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        const char *level = strchr(line, ' ');
        n += level && strncmp(level + 1, beginning, strlen(beginning)) == 0;
    }
    fclose(file);
    return n;
}

TEST(a_bad_model_keeps_no_other_from_being_served)
{
    static const char make[] =
        "mkdir -p $D/models/twice; cd $D/models; cp good.safetensors twice/1.safetensors; "
        "cp good.safetensors twice.safetensors; : > empty.safetensors; "
        "head -c 100 good.safetensors > short.safetensors; echo text > text.safetensors; "
        "cp good.safetensors 'a name.safetensors'; cp good.safetensors twice/new.safetensors; "
        "echo text > README";
    static const char *const bad[] = { "empty.safetensors", "short.safetensors", "text.safetensors",
                                       "twice/1.safetensors" };
    char output[OUTPUT_MAX], log[OUTPUT_MAX], path[256], models_path[160];
    struct daemon daemon = daemon_prepare();
    setenv("D", daemon.directory, 1); // NOLINT(concurrency-mt-unsafe)
    setenv("GOOD", GOOD, 1);          // NOLINT(concurrency-mt-unsafe)
    ck_assert_int_eq(
        run_shell("mkdir $D/models; cp $GOOD $D/models/good.safetensors", output, sizeof output),
        0);
    ck_assert_int_eq(run_shell(make, output, sizeof output), 0);
    snprintf(models_path, sizeof models_path, "%s/models", daemon.directory);
    daemon_start_again(&daemon, (const char *const[]){ "--models", models_path, NULL });
    expect(&daemon, "POST", "/v1/models/good/sessions/a/step", "{\"x\":[1,2,3]}", 200, NULL);
    expect(&daemon, "GET", "/v1/models/twice", NULL, 200, NULL);
    expect(&daemon, "GET", "/v1/models/short", NULL, 503, "model_unavailable");
    expect(&daemon, "GET", "/readyz", NULL, 200, "{\"model\":\"short\",");
    daemon_wait_log(&daemon, " ready ", log, sizeof log);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        snprintf(path, sizeof path, "warn model_refused file=%s/%s ", models_path, bad[k]);
        ck_assert_int_eq(count_lines(&daemon, path), 1);
    }
    ck_assert_int_eq(count_lines(&daemon, "warn model_refused "), 4);
    ck_assert_int_eq(count_lines(&daemon, "warn model_ignored "), 2);
    ck_assert_int_eq(count_lines(&daemon, "error degraded what=models "), 1);
    ck_assert_int_eq(count_lines(&daemon, "error "), 1);
    ck_assert_msg(strstr(log, "rename or remove one of the two"), "%s", log);
    daemon_stop(&daemon);
}

/* Ends with 0 if the good one is served and no other; the log is what it prints. */
static const char serve_beside_closed[] =
    "umask 022; mkdir -m 755 $D/m; mkdir -m 700 $D/m/closed; install -m 644 $GOOD "
    "$D/m/good.safetensors; "
    "install -m 600 $GOOD $D/m/secret.safetensors; mkdir $D/m/mixed; install -m 644 $GOOD "
    "$D/m/mixed/1.safetensors; "
    "install -m 600 $GOOD $D/m/mixed/2.safetensors; mkdir -m 777 $D/p; "
    "setpriv --reuid 10001 --regid 10001 --clear-groups $D/grud --models $D/m --listen 127.0.0.1:0 "
    "--port-file $D/p/port "
    "2>$D/log & "
    "for k in $(seq 600); do test ! -s $D/p/port || break; sleep 0.1; done; "
    "U=http://127.0.0.1:$(cat "
    "$D/p/port); "
    "code=1; test \"$(curl -s $U/v1/models | jq -c '[.models[].name]')\" = '[\"good\"]' && "
    "test \"$(curl -s $U/readyz | jq -r .status)\" = degraded && code=0; "
    "kill $!; wait $!; cat $D/log; exit $code";

/* With the version left out alone, another one would be the active one. */
TEST(a_model_that_may_not_be_read_is_left_out_whole)
{
    static const char *const said[] = {
        "file=$D/m/closed ",
        "cannot read $D/m/closed: Permission denied; $D/m/closed belongs to uid 0 and has mode 700",
        "file=$D/m/mixed/2.safetensors ", "file=$D/m/secret.safetensors ", "chmod a+r it"
    };
    char output[OUTPUT_MAX];
    if (geteuid() != 0) {
        puts("a model that may not be read: SKIPPED, it takes root");
        return;
    }
    struct place place = make_place();
    ck_assert_msg(run_shell(serve_beside_closed, output, sizeof output) == 0, "%s", output);
    for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
        ck_assert_msg(says(output, said[k], place.directory), "no '%s' in: %s", said[k], output);
    }
    remove_place(&place);
}

TEST(a_folder_without_models_is_said)
{
    char path[160];
    struct daemon daemon = daemon_prepare();
    snprintf(path, sizeof path, "%s/models", daemon.directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    daemon_start_again(&daemon, (const char *const[]){ "--models", path, NULL });
    snprintf(path, sizeof path, "warn no_models models=%s/models ", daemon.directory);
    ck_assert_int_eq(count_lines(&daemon, path), 1);
    daemon_stop(&daemon);
}

/* Whichever file is the first that does not fit: it starts, or says so and ends with 1. */
TEST(a_disk_of_any_size_is_enough_or_said_to_be_full)
{
    char output[OUTPUT_MAX], script[512], path[160];
    int n_full = 0, n_ready = 0;
    if (geteuid() != 0 || !own_mounts()) {
        printf("a disk of any size: SKIPPED, only root can mount a small one\n");
        return;
    }
    for (int kib = 4; kib <= 8192; kib += kib / 4 + 4) {
        struct daemon daemon = daemon_prepare();
        snprintf(path, sizeof path, "%s/disk", daemon.directory);
        snprintf(script, sizeof script, "mkdir %s; mount -t tmpfs -o size=%dk none %s 2>&1", path,
                 kib, path);
        if (run_shell(script, output, sizeof output) != 0) {
            printf("a disk of any size: SKIPPED, no tmpfs can be mounted here: %s\n", output);
            daemon_remove(&daemon);
            return;
        }
        int code = daemon_try_start(&daemon,
                                    (const char *const[]){ "--data", path, "--record", "9", NULL });
        if (code == -1) {
            daemon_kill(&daemon);
            n_ready++;
        } else {
            ck_assert_msg(code == 1, "%d KiB: %d", kib, code);
            ck_assert_int_eq(count_lines(&daemon, "error cannot_start "), 1);
            n_full++;
        }
        snprintf(script, sizeof script, "umount %s", path);
        ck_assert_int_eq(run_shell(script, output, sizeof output), 0);
        daemon_remove(&daemon);
    }
    ck_assert(n_full > 0 && n_ready > 0);
}
