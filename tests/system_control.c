#include "system_control.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// NOLINTBEGIN(concurrency-mt-unsafe): no thread of the test reads the environment
struct system_control *system_control_begin(void)
{
    char shim[4096], beside[4096], path[] = "/tmp/grud-system-XXXXXX";
    const char *grud = getenv("GRUD");
    const char *end = grud ? strrchr(grud, '/') : NULL;
    int n =
        end ? snprintf(beside, sizeof beside, "%.*s/tests/system_shim.so", (int)(end - grud), grud)
            : snprintf(beside, sizeof beside, "build/tests/system_shim.so");
    ck_assert(n > 0 && (size_t)n < sizeof beside && realpath(beside, shim));
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert(fd >= 0 && ftruncate(fd, sizeof(struct system_control)) == 0);
    void *page =
        mmap(NULL, sizeof(struct system_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(page != MAP_FAILED);
    close(fd);
#ifdef __SANITIZE_ADDRESS__ /* its library wants to be the first */
    ck_assert_int_eq(setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0), 0);
#endif
    ck_assert_int_eq(setenv("LD_PRELOAD", shim, 1), 0);
    ck_assert_int_eq(setenv(SYSTEM_FILE_VARIABLE, path, 1), 0);
    return page;
}

void system_control_end(struct system_control *control)
{
    unlink(getenv(SYSTEM_FILE_VARIABLE));
    unsetenv("LD_PRELOAD");
    unsetenv(SYSTEM_FILE_VARIABLE);
    munmap(control, sizeof *control);
}
// NOLINTEND(concurrency-mt-unsafe)
