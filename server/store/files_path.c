#include "store/files_path.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool files_name_is_valid(const char *name, size_t n)
{
    if (n == 0 || n > FILES_NAME_MAX || name[0] == '.') {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        if (!isalnum((unsigned char)name[k]) && (name[k] == '\0' || !strchr("._-", name[k]))) {
            return false;
        }
    }
    return true;
}

bool files_path_print(char path[PATH_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

bool files_models_path(const char *data, char path[PATH_MAX])
{
    return files_path_print(path, "%s/models", data);
}

bool files_pool_path(const char *data, const char *name, const char *suffix, char path[PATH_MAX])
{
    return files_path_print(path, "%s/sessions/%s.pool%s", data, name, suffix);
}
