/* What models and sessions may be called. */
#include "service/names.h"
#include "test.h"

#include <string.h>

TEST(session_ids_are_checked)
{
    char id[SESSION_ID_MAX + 2];
    memset(id, 'a', sizeof id);
    ck_assert(session_id_is_valid(id, SESSION_ID_MAX) && session_id_is_valid("Az09._~:-", 9));
    ck_assert(!session_id_is_valid(id, SESSION_ID_MAX + 1) && !session_id_is_valid("", 0));
    ck_assert(!session_id_is_valid("a\0b", 3) && !session_id_is_valid("a/b", 3));
    ck_assert(!session_id_is_valid("\xc3\xa4", 2) && !session_id_is_valid("a b", 3));
}

TEST(model_names_are_checked)
{
    char name[MODEL_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    ck_assert(model_name_is_valid(name, MODEL_NAME_MAX) && model_name_is_valid("A.z_0-9", 7));
    ck_assert(!model_name_is_valid(name, MODEL_NAME_MAX + 1) && !model_name_is_valid("", 0));
    ck_assert(!model_name_is_valid(".a", 2) && !model_name_is_valid("..", 2));
    ck_assert(!model_name_is_valid("a\0b", 3) && !model_name_is_valid("a/b", 3));
    ck_assert(!model_name_is_valid("a:b", 3) && !model_name_is_valid("a~b", 3));
}
