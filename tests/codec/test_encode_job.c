/* Jobs, events and checkpoints as documents; what a version says of its job. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

static const struct job_metrics no_metrics = { NAN, NAN, NAN, NAN, NAN, NAN };

static struct job new_job(void)
{
    struct job job = { .id = "ftjob-0123456789abcdefghijklmn",
                       .model = "weather",
                       .base_version = 3,
                       .created_at_ms = 1763668800250,
                       .seed = 1,
                       .metrics = no_metrics };
    gru_hyperparameters_init(&job.hyperparameters);
    return job;
}

TEST(a_new_job_has_nulls_where_there_is_nothing_yet)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job job = new_job();
    codec_put_job(&s.text, &job, false);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"id\":\"ftjob-0123456789abcdefghijklmn\",\"object\":\"fine_tuning.job\",\"model\":"
        "\"weather\","
        "\"base_version\":3,\"fine_tuned_version\":null,\"status\":\"validating\","
        "\"created_at\":1763668800.25,\"started_at\":null,\"finished_at\":null,\"estimated_"
        "finish\":null,"
        "\"progress\":{\"epoch\":0,\"n_epochs\":20,\"step\":0,\"n_steps\":null},"
        "\"hyperparameters\":{\"n_epochs\":20,\"batch_size\":32,\"learning_rate\":0.001,"
        "\"optimizer\":\"adam\",\"momentum\":0,\"weight_decay\":0,\"loss\":\"mse\",\"clip_norm\":1,"
        "\"window\":64,\"l2_sp\":0,\"dropout\":0,\"early_stopping_patience\":5,\"train\":\"all\","
        "\"horizon_loss\":1,\"scaling\":\"keep\","
        "\"schedule\":{\"type\":\"constant\",\"warmup_steps\":0,\"step_epochs\":10,\"factor\":0.1,"
        "\"patience\":3},"
        "\"sampling\":null,\"class_weights\":null,\"output_weights\":null},"
        "\"recipe\":null,"
        "\"seed\":1,\"metadata\":null,\"trained_steps\":0,"
        "\"metrics\":{\"train_loss\":null,\"valid_loss\":null,\"baseline_valid_loss\":null,"
        "\"persistence_valid_loss\":null},"
        "\"promotion\":{\"policy\":\"auto\",\"state\":\"none\",\"reason\":null},\"error\":null,"
        "\"suffix\":null,\"max_seconds\":null,\"dry_run\":false,\"durable\":false}");
    setup_done(&s);
}

TEST(a_job_that_is_over_says_everything)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job job = new_job();
    job.status = JOB_FAILED;
    job.fine_tuned_version = 4;
    job.started_at_ms = 1763668801000;
    job.finished_at_ms = 1763668802001;
    job.estimated_finish_ms = 1763668803500;
    job.epoch = 2;
    job.step = 7;
    job.n_steps = 70;
    job.hyperparameters.clip_norm = 0;
    job.hyperparameters.early_stopping_patience = 0;
    job.hyperparameters.optimizer = GRU_SGD;
    job.hyperparameters.loss = GRU_CROSS_ENTROPY;
    job.hyperparameters.train = GRU_TRAIN_HEAD;
    job.hyperparameters.scaling = GRU_SCALING_FIT_ROBUST;
    job.hyperparameters.schedule_type = GRU_STEP;
    job.hyperparameters.schedule_warmup_steps = 3;
    job.hyperparameters.schedule_step_epochs = 4;
    job.hyperparameters.schedule_factor = 0.5;
    job.hyperparameters.class_weighting = GRU_CLASSES_GIVEN;
    job.hyperparameters.class_weights[0] = 0.1;
    job.hyperparameters.class_weights[1] = 2;
    job.hyperparameters.sampling_length = 500;
    job.hyperparameters.sampling_burn_in = 50;
    job.hyperparameters.n_output_weights = 2;
    job.hyperparameters.output_weights[0] = 0.5;
    job.seed = UINT64_C(1) << 53;
    job.metrics = (struct job_metrics){ 0.5, 0.25, 0.75, NAN, 0.9, NAN };
    job.promotion = JOB_REJECTED;
    job.policy = JOB_MANUAL;
    job.max_seconds = 600;
    job.dry_run = true;
    strcpy(job.suffix, "a\"b");
    strcpy(job.metadata, "{\"k\": 1}");
    strcpy(job.promotion_reason, "not better");
    fault_set(&job.error, STATUS_STORAGE_FAILED, NULL, "the disk");
    codec_put_job(&s.text, &job, true);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"id\":\"ftjob-0123456789abcdefghijklmn\",\"object\":\"fine_tuning.job\",\"model\":"
        "\"weather\","
        "\"base_version\":3,\"fine_tuned_version\":4,\"status\":\"failed\",\"created_at\":"
        "1763668800.25,"
        "\"started_at\":1763668801,\"finished_at\":1763668802.001,\"estimated_finish\":1763668803."
        "5,"
        "\"progress\":{\"epoch\":2,\"n_epochs\":20,\"step\":7,\"n_steps\":70},"
        "\"hyperparameters\":{\"n_epochs\":20,\"batch_size\":32,\"learning_rate\":0.001,"
        "\"optimizer\":\"sgd\",\"momentum\":0,\"weight_decay\":0,\"loss\":\"cross_entropy\","
        "\"clip_norm\":null,\"window\":64,\"l2_sp\":0,\"dropout\":0,\"early_stopping_patience\":"
        "null,"
        "\"train\":\"head\",\"horizon_loss\":1,\"scaling\":\"fit_robust\",\"schedule\":{\"type\":"
        "\"step\",\"warmup_steps\":3,"
        "\"step_epochs\":4,"
        "\"factor\":0.5,\"patience\":3},\"sampling\":{\"length\":500,\"burn_in\":50,"
        "\"per_epoch\":null},\"class_weights\":[0.1,2],\"output_weights\":[0.5,0]},"
        "\"recipe\":null,"
        "\"seed\":9007199254740992,\"metadata\":{\"k\": 1},\"trained_steps\":7,"
        "\"metrics\":{\"train_loss\":0.5,\"valid_loss\":0.25,\"baseline_valid_loss\":0.75,"
        "\"persistence_valid_loss\":null,\"train_accuracy\":0.9,\"valid_accuracy\":null},"
        "\"promotion\":{\"policy\":\"manual\",\"state\":\"rejected\",\"reason\":\"not better\"},"
        "\"error\":{\"code\":\"storage_failed\",\"message\":\"the disk\",\"param\":null},"
        "\"suffix\":\"a\\\"b\",\"max_seconds\":600,\"dry_run\":true,\"durable\":true}");
    fault_set(&job.error, STATUS_INVALID_TRAINING, "training.series[3]", "short");
    codec_put_job(&s.text, &job, true);
    ck_assert_ptr_nonnull(strstr(setup_text(&s),
                                 "\"error\":{\"code\":\"invalid_training\","
                                 "\"message\":\"short\",\"param\":\"training.series[3]\"}"));
    setup_done(&s);
}

TEST(only_classification_has_accuracies)
{
    struct setup s;
    setup_init(&s, model_weather());
    for (int loss = GRU_MSE; loss <= GRU_CROSS_ENTROPY; loss++) {
        struct job job = new_job();
        job.hyperparameters.loss = loss;
        codec_put_job(&s.text, &job, true);
        bool has =
            strstr(setup_text(&s), "\"train_accuracy\":null,\"valid_accuracy\":null") != NULL;
        ck_assert_int_eq(has, loss == GRU_BCE || loss == GRU_CROSS_ENTROPY);
    }
    setup_done(&s);
}

TEST(every_status_has_its_word)
{
    struct setup s;
    setup_init(&s, model_weather());
    static const char *const words[] = { "validating", "queued", "running",  "paused",
                                         "succeeded",  "failed", "cancelled" };
    for (int status = 0; status < JOB_N_STATUSES; status++) {
        struct job job = new_job();
        char expected[64];
        job.status = (enum job_status)status;
        snprintf(expected, sizeof expected, "\"status\":\"%s\"", words[status]);
        codec_put_job(&s.text, &job, true);
        ck_assert_ptr_nonnull(strstr(setup_text(&s), expected));
    }
    setup_done(&s);
}

TEST(jobs_are_listed)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct job jobs[] = { new_job(), new_job() };
    codec_put_job_list(&s.text, jobs, 0, false, true);
    ck_assert_str_eq(setup_text(&s), "{\"object\":\"list\",\"data\":[],\"has_more\":false}");
    codec_put_job_list(&s.text, jobs, 2, true, true);
    const char *text = setup_text(&s);
    ck_assert_int_eq(strncmp(text, "{\"object\":\"list\",\"data\":[{\"id\":\"ftjob-", 37), 0);
    ck_assert_ptr_nonnull(strstr(text, "\"durable\":true},{\"id\":"));
    ck_assert_ptr_nonnull(strstr(text, "\"durable\":true}],\"has_more\":true}"));
    setup_done(&s);
}

TEST(events_are_written_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct job_event events[] = {
        { .id = 7, .created_at_ms = 1763668800250, .level = JOB_EVENT_WARN, .message = "a\nb" },
        { .id = INT64_C(1) << 40,
          .created_at_ms = 1763668801000,
          .is_metrics = true,
          .message = "epoch 2",
          .step = 9,
          .epoch = 2,
          .train_loss = 0.5,
          .valid_loss = NAN,
          .grad_norm = 1.25,
          .learning_rate = 0.001 },
    };
    codec_put_job_event_list(&s.text, events, 2, false);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"object\":\"list\",\"data\":[{\"id\":\"ftevent-7\",\"object\":\"fine_tuning.job.event\","
        "\"created_at\":1763668800.25,\"level\":\"warn\",\"type\":\"message\",\"message\":"
        "\"a\\nb\","
        "\"data\":null},{\"id\":\"ftevent-1099511627776\",\"object\":\"fine_tuning.job.event\","
        "\"created_at\":1763668801,\"level\":\"info\",\"type\":\"metrics\",\"message\":\"epoch 2\","
        "\"data\":{\"step\":9,\"epoch\":2,\"train_loss\":0.5,\"valid_loss\":null,\"grad_norm\":1."
        "25,"
        "\"lr\":0.001}}],\"has_more\":false}");
    setup_done(&s);
}

TEST(checkpoints_are_written_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct job_checkpoint checkpoint = { .id = 3,
                                               .created_at_ms = 1763668800250,
                                               .step = 40,
                                               .epoch = 4,
                                               .train_loss = 0.5,
                                               .valid_loss = NAN };
    codec_put_job_checkpoint_list(&s.text, "ftjob-a", &checkpoint, 1, true);
    ck_assert_str_eq(setup_text(&s),
                     "{\"object\":\"list\",\"data\":[{\"id\":\"ftckpt-3\","
                     "\"object\":\"fine_tuning.job.checkpoint\",\"created_at\":1763668800.25,"
                     "\"fine_tuning_job_id\":\"ftjob-a\",\"step_number\":40,\"epoch\":4,"
                     "\"metrics\":{\"train_loss\":0.5,\"valid_loss\":null}}],\"has_more\":true}");
    setup_done(&s);
}

TEST(a_version_names_its_job)
{
    struct setup s;
    setup_init(&s, model_weather());
    strcpy(s.versions[0].job, "ftjob-a");
    s.versions[0].metrics = (struct job_metrics){ 0.5, 0.25, 0.75, 1, NAN, NAN };
    codec_put_model(&s.text, &s.model);
    ck_assert_ptr_nonnull(strstr(setup_text(&s),
                                 "\"parent\":2,\"job\":\"ftjob-a\",\"digest\":"
                                 "\"xxh3:0123456789abcdeffedcba9876543210\",\"parameters\":"));
    codec_put_model(&s.text, &s.model);
    ck_assert_ptr_nonnull(strstr(setup_text(&s),
                                 "\"metrics\":{\"train_loss\":0.5,\"valid_loss\":0.25,"
                                 "\"baseline_valid_loss\":0.75,\"persistence_valid_loss\":1}}"));
    s.versions[0].metrics.valid_accuracy = 0.9;
    codec_put_model(&s.text, &s.model);
    ck_assert_ptr_nonnull(
        strstr(setup_text(&s), "\"train_accuracy\":null,\"valid_accuracy\":0.9}"));
    setup_done(&s);
}
