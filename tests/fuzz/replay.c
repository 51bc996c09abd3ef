/* replay.c - gives a target every file of the folders on the command line, and says how many there
 * were. */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 300 };

static char path[4096]; /* of the input under way */

/* A sanitizer's end is to come by here as well. */
const char *
__asan_default_options(void); // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
const char *__asan_default_options(void) // NOLINT(bugprone-reserved-identifier)
{
    return "abort_on_error=1";
}

static void name_input(int signal_number)
{
    (void)!write(STDERR_FILENO, path, strlen(path));
    (void)!write(STDERR_FILENO, " is the input\n", strlen(" is the input\n"));
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void replay(void)
{
    FILE *file = fopen(path, "rbe");
    FUZZ_CHECK(file && fseek(file, 0, SEEK_END) == 0);
    size_t n = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(n);
    FUZZ_CHECK(bytes || n == 0);
    FUZZ_CHECK(fread(bytes, 1, n, file) == n);
    fclose(file);
    alarm(PATIENCE_SECONDS);
    LLVMFuzzerTestOneInput(bytes, n);
    alarm(0);
    free(bytes);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names; a folder that is not there has none. */
static size_t replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, alphasort);
    for (int k = 0; k < n; k++) {
        FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder, entries[k]->d_name) <
                   (int)sizeof path);
        replay();
        free(entries[k]);
    }
    free(entries);
    return n > 0 ? (size_t)n : 0;
}

int main(int argc, char *argv[])
{
    size_t n = 0;
    signal(SIGABRT, name_input);
    signal(SIGALRM, name_input);
    for (int k = 1; k < argc; k++) {
        n += replay_folder(argv[k]);
    }
    const char *slash = strrchr(argv[0], '/');
    printf("%s: %zu inputs replayed\n", slash ? slash + 1 : argv[0], n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
