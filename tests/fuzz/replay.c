/* replay.c - gives a target every file of the folders on the command line, and says how many there were. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

static void replay(const char *path)
{
    FILE *file = fopen(path, "rbe");
    FUZZ_CHECK(file && fseek(file, 0, SEEK_END) == 0);
    size_t n = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(n);
    FUZZ_CHECK(bytes || n == 0);
    FUZZ_CHECK(fread(bytes, 1, n, file) == n);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, n);
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
        char path[4096];
        FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder, entries[k]->d_name) < (int)sizeof path);
        fprintf(stderr, "%s\r", path); /* an abort leaves the name of the input */
        replay(path);
        free(entries[k]);
    }
    free(entries);
    return n > 0 ? (size_t)n : 0;
}

int main(int argc, char *argv[])
{
    size_t n = 0;
    for (int k = 1; k < argc; k++) {
        n += replay_folder(argv[k]);
    }
    const char *slash = strrchr(argv[0], '/');
    printf("%s: %zu inputs replayed\n", slash ? slash + 1 : argv[0], n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
