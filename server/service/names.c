#include "service/names.h"

#include "store/files.h"

#include <ctype.h>
#include <string.h>

bool model_name_is_valid(const char *name, size_t n)
{
    return files_name_is_valid(name, n);
}

bool session_id_is_valid(const char *id, size_t n)
{
    /* A table would save nothing measurable: ids are short, and this is called once per request. */
    if (n == 0 || n > SESSION_ID_MAX) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        unsigned char c = (unsigned char)id[k];
        if (!isalnum(c) && (c == '\0' || !strchr("._~:-", c))) {
            return false;
        }
    }
    return true;
}
