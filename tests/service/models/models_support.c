#include "models_support.h"

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bytes network_junk(void)
{
    return (struct bytes){ strdup("junk"), 4 };
}

void world_make_model_folder(const struct world *world, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", world->models, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

void folder_remove_file(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

void world_expect_models(struct world *world, const char *const *names, size_t n_names)
{
    size_t n;
    const struct model *const *models = models_list(world->context, &n);
    ck_assert_uint_eq(n, n_names);
    for (size_t k = 0; k < n; k++) {
        ck_assert_str_eq(models[k]->name, names[k]);
    }
}
