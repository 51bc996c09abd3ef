/* The words of the library's choices. */
#include "gru.h"
#include "test.h"

#include <string.h>

TEST(words_are_what_files_and_replies_have)
{
    ck_assert_str_eq(gru_layer_kind_name(GRU_LAYER_GRU), "gru");
    ck_assert_str_eq(gru_layer_kind_name(GRU_LAYER_OUTPUT_GATE), "gru_output_gate");
    ck_assert_str_eq(gru_layer_kind_name(GRU_LAYER_THREE_GATE), "gru_three_gate");
    ck_assert_str_eq(gru_layer_kind_name(GRU_LAYER_LSTM), "lstm");
    ck_assert_str_eq(gru_reset_name(GRU_RESET_BEFORE), "before");
    ck_assert_str_eq(gru_activation_name(GRU_SOFTMAX), "softmax");
    ck_assert_str_eq(gru_missing_name(GRU_MISSING_FORECAST), "forecast");
    ck_assert_str_eq(gru_transform_name(GRU_SEASONAL_DIFFERENCE), "seasonal_difference");
}

/* Checkpoints and databases hold them. */
TEST(numbers_of_choices_stay)
{
    ck_assert(GRU_LAYER_GRU == 0 && GRU_LAYER_OUTPUT_GATE == 1 && GRU_LAYER_THREE_GATE == 2);
    ck_assert(GRU_LAYER_DENSE == 3 && GRU_LAYER_LSTM == 4);
    ck_assert(GRU_RESET_AFTER == 0 && GRU_LINEAR == 0 && GRU_SOFTMAX == 3);
    ck_assert(GRU_MISSING_ERROR == 0 && GRU_MISSING_FORECAST == 3);
    ck_assert(GRU_SGD == 0 && GRU_ADAMW == 2 && GRU_MSE == 0 && GRU_CROSS_ENTROPY == 4);
    ck_assert(GRU_TRAIN_ALL == 0 && GRU_TRAIN_HEAD == 1);
}

TEST(words_of_cells_are_those_of_the_recurrent_kinds)
{
    char words[128] = "";
    for (int k = 0; k < GRU_N_LAYER_KINDS; k++) {
        if (gru_layer_kind_is_recurrent((enum gru_layer_kind)k)) {
            strcat(words, *words ? "|" : "");
            strcat(words, gru_layer_kind_name((enum gru_layer_kind)k));
        }
    }
    ck_assert_str_eq(words, GRU_CELL_WORDS);
}

TEST(words_of_hyperparameters_are_joined_from_the_lists)
{
    ck_assert_str_eq(GRU_OPTIMIZER_WORDS, "sgd|adam|adamw");
    ck_assert_str_eq(GRU_LOSS_WORDS, "mse|mae|huber|bce|cross_entropy");
    ck_assert_str_eq(GRU_TRAIN_WORDS, "all|head");
}

TEST(every_status_has_a_sentence)
{
    for (int status = GRU_OK; status <= GRU_BAD_BLAS; status++) {
        ck_assert(strlen(gru_status_text((enum gru_status)status)) > 0);
    }
    ck_assert_str_eq(gru_status_text((enum gru_status)1000), "unknown status");
}
