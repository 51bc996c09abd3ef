#include "store/region_guard.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Guards are in blocks that are never freed, so that the handler may walk them at any moment. */
enum { BLOCK = 64 };
struct guard_block {
    struct region_guard guards[BLOCK];
    struct guard_block *_Atomic next;
};

static struct guard_block first_block;
static struct sigaction earlier; /* for what is not ours */
static size_t page_bytes;

/* ---- the handler ---- */

static struct region_guard *find_guard(size_t address)
{
    for (struct guard_block *block = &first_block; block; block = atomic_load(&block->next)) {
        for (size_t k = 0; k < BLOCK; k++) {
            struct region_guard *guard = &block->guards[k];
            size_t begin = atomic_load(&guard->begin);
            if (begin != 0 && begin <= address && address < atomic_load(&guard->end)) {
                return guard;
            }
        }
    }
    return NULL;
}

/* Returning runs the instruction again: on the page that is there now, or into the end of the
 * process. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    size_t page = (size_t)(uintptr_t)info->si_addr / page_bytes * page_bytes;
    struct region_guard *guard =
        info->si_code == BUS_ADRERR ? find_guard((size_t)(uintptr_t)info->si_addr) : NULL;
    if (guard) {
        atomic_store(atomic_load(&guard->is_broken), true);
    }
    if (!guard || mmap((void *)(uintptr_t)page, page_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        sigaction(signal_number, &earlier, NULL);
    }
}

bool region_guard_install(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigaction now;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, NULL, &now) != 0) {
        return false;
    }
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault) {
        return true;
    }
    earlier = now;
    return sigaction(SIGBUS, &action, NULL) == 0;
}

/* ---- guards ---- */

static struct region_guard *take_in(struct guard_block *block)
{
    for (size_t k = 0; k < BLOCK; k++) {
        bool is_taken = false;
        if (atomic_compare_exchange_strong(&block->guards[k].is_taken, &is_taken, true)) {
            return &block->guards[k];
        }
    }
    return NULL;
}

/* The block behind this one, which is made if there is none. */
static struct guard_block *next_block(struct guard_block *block)
{
    struct guard_block *next = atomic_load(&block->next);
    struct guard_block *fresh = next ? NULL : calloc(1, sizeof *fresh);
    if (!fresh || atomic_compare_exchange_strong(&block->next, &next, fresh)) {
        return next ? next : fresh;
    }
    free(fresh); /* another thread was faster */
    return next;
}

struct region_guard *region_guard_take(const void *begin, size_t n_bytes, _Atomic bool *is_broken)
{
    struct guard_block *block = &first_block;
    struct region_guard *guard = take_in(block);
    while (!guard && (block = next_block(block))) {
        guard = take_in(block);
    }
    if (guard) {
        atomic_store(&guard->is_broken, is_broken);
        atomic_store(&guard->end, (size_t)(uintptr_t)begin + n_bytes);
        atomic_store(&guard->begin, (size_t)(uintptr_t)begin);
    }
    return guard;
}

void region_guard_drop(struct region_guard *guard)
{
    if (guard) {
        atomic_store(&guard->begin, 0);
        atomic_store(&guard->is_taken, false);
    }
}
