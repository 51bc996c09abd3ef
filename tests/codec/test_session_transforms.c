/* What the transforms of a session's inputs remember: as GET writes it, and PUT reads it again. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

static const char metadata[] =
    "{\"inputs\":[{\"name\":\"a\",\"transform\":{\"seasonal_difference\":2}},{\"name\":\"b\"},"
    "{\"name\":\"c\",\"transform\":{\"level\":0.5}}],"
    "\"outputs\":[{\"name\":\"a\"},{\"name\":\"c\"}]}";

#define STATE "\"digest\":\"xxh3:0123456789abcdeffedcba9876543210\",\"state\":[[1,2]]"

static enum status decode(struct setup *s, const char *body, struct session_restore *restore)
{
    return codec_session_restore(INPUT(body, strlen(body), usual_limits, &s->arena, &s->fault),
                                 &s->model, restore);
}

TEST(what_transforms_remember_is_put_back)
{
    struct setup s;
    struct session_restore restore;
    setup_init(&s, model_described(3, 2, metadata));
    struct gru_model *gru = s.model.active->gru;
    ck_assert_int_eq(decode(&s,
                            "{" STATE ",\"transforms\":[[1,1000000000001,null],[],"
                            "[3,12.25,0.0625]]}",
                            &restore),
                     STATUS_OK);
    ck_assert(gru_state_transform(gru, restore.state, 0, 0) == 1);
    ck_assert(gru_state_transform(gru, restore.state, 0, 1) == 1000000000001);
    ck_assert(isnan(gru_state_transform(gru, restore.state, 0, 2)));
    ck_assert(gru_state_transform(gru, restore.state, 2, 1) == 12.25);
    const struct session session = { .gru = gru,
                                     .state = (float *)(uintptr_t)restore.state,
                                     .ttl_s = -1,
                                     .errors = { .n = (const uint32_t[2]){ 0 },
                                                 .mae = (const float[2]){ NAN, NAN },
                                                 .rmse = (const float[2]){ NAN, NAN } },
                                     .figures = &(const struct session_figures){
                                         .of_outputs = {
                                             (const struct error_figures[2]){ { .n = 0 } },
                                             (const struct error_figures[2]){ { .n = 0 } } } } };
    codec_put_session(&s.text, &session);
    ck_assert_msg(strstr(setup_text(&s), ",\"transforms\":[[1,1000000000001,null],[],"
                                         "[3,12.25,0.0625]],\"readings\":") != NULL,
                  "%s", setup_text(&s));
    setup_done(&s);
}

TEST(session_without_them_begins_as_before_its_first_reading)
{
    struct setup s;
    struct session_restore restore;
    setup_init(&s, model_described(3, 2, metadata));
    struct gru_model *gru = s.model.active->gru;
    ck_assert_int_eq(decode(&s, "{" STATE "}", &restore), STATUS_OK);
    ck_assert(gru_state_transform(gru, restore.state, 0, 0) == 0);
    ck_assert(isnan(gru_state_transform(gru, restore.state, 0, 1)));
    ck_assert(gru_state_transform(gru, restore.state, 2, 0) == 0);
    setup_done(&s);
}

TEST(what_no_transform_remembers_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "{" STATE ",\"transforms\":5}", STATUS_INVALID_TYPE, "transforms" },
        { "{" STATE ",\"transforms\":[5]}", STATUS_INVALID_TYPE, "transforms[0]" },
        { "{" STATE ",\"transforms\":[[1,2],[],[1,2,3]]}", STATUS_WRONG_LENGTH, "transforms[0]" },
        { "{" STATE ",\"transforms\":[[0,1,2],[1],[1,2,3]]}", STATUS_WRONG_LENGTH,
          "transforms[1]" },
        { "{" STATE ",\"transforms\":[[0,1,2],[]]}", STATUS_WRONG_LENGTH, "transforms" },
        { "{" STATE ",\"transforms\":[[0,1,2],[],[1,2,3],[]]}", STATUS_WRONG_LENGTH, "transforms" },
        { "{" STATE ",\"transforms\":[[0,1,\"2\"],[],[1,2,3]]}", STATUS_INVALID_TYPE,
          "transforms[0][2]" },
        { "{\"transforms\":[[0,{}]]}", STATUS_INVALID_TYPE, "transforms[0][1]" },
    };
    struct setup s;
    setup_init(&s, model_described(3, 2, metadata));
    for (size_t k = 0; k < N_OF(refusals); k++) {
        struct session_restore restore;
        const enum status status = decode(&s, refusals[k].body, &restore);
        ASSERT_REFUSED(status, &s.fault, &refusals[k]);
    }
    setup_done(&s);
}

TEST(session_of_a_model_without_transforms_has_none)
{
    struct setup s;
    struct session_restore restore;
    setup_init(&s, model_described(1, 1, "{}"));
    ck_assert_int_eq(decode(&s, "{" STATE ",\"transforms\":[[]]}", &restore), STATUS_OK);
    ck_assert_int_eq(decode(&s, "{" STATE ",\"transforms\":[[1]]}", &restore), STATUS_WRONG_LENGTH);
    setup_done(&s);
}
