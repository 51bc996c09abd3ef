/* schema_examples.h - replies as they may be, of a daemon that serves a model `weather` (temp and
 * humidity in, temp out). For the schemas' tables alone; tests/openapi/ checks them by the schemas.
 */
#ifndef SCHEMA_EXAMPLES_H
#define SCHEMA_EXAMPLES_H

// clang-format off
#define EXAMPLE_MODEL \
    "{\"name\":\"weather\",\"active_version\":1,\"versions\":[{\"version\":1," \
    "\"created_at\":1763668800,\"parent\":null,\"job\":null," \
    "\"digest\":\"xxh3:c2f1a9d4b7e60835c2f1a9d4b7e60835\",\"parameters\":297," \
    "\"verified\":true,\"metrics\":null}],\"inputs\":[{\"name\":\"temp\",\"unit\":\"°C\",\"mean\":20," \
    "\"std\":5,\"transform\":\"none\"},{\"name\":\"humidity\",\"unit\":\"\",\"mean\":0.5,\"std\":0.2,\"transform\":\"none\"}]," \
    "\"outputs\":[{\"name\":\"temp\",\"unit\":\"°C\",\"mean\":20,\"std\":5," \
    "\"feeds\":\"temp\"}],\"layers\":[{\"cell\":\"gru\",\"reset\":\"after\"," \
    "\"input_size\":2,\"hidden_size\":8}],\"activation\":\"linear\"," \
    "\"horizon_capable\":true,\"sessions\":2,\"residual\":false,\"steps\":1," \
    "\"missing\":\"last\",\"interval_seconds\":3600,\"season\":24," \
    "\"drift\":{\"state\":\"none\",\"ratio\":1.02,\"alarms\":0,\"detected_at\":null," \
    "\"detector\":null,\"statistic\":null,\"last_job\":null}}"
#define EXAMPLE_MODELS "{\"models\":[" EXAMPLE_MODEL "]}"

#define EXAMPLE_RULE_MEMBERS \
    "\"name\":\"late-pumps\",\"model\":\"weather\",\"prefix\":\"pump-\",\"coverage\":true," \
    "\"below\":0.8,\"for\":3,\"url\":\"https://example.org/hooks/grud\",\"format\":\"json\"," \
    "\"created_at\":1763668800,\"states\":{\"firing\":1,\"pending\":0}," \
    "\"webhook\":{\"last_success_at\":1763672400.5,\"last_failure\":null,\"failures\":0}"
#define EXAMPLE_RULE \
    "{" EXAMPLE_RULE_MEMBERS ",\"firing\":[{\"session\":\"pump-7\",\"since\":1763672400.25," \
    "\"step\":1042,\"value\":0.74}]}"
#define EXAMPLE_RULES "{\"rules\":[{" EXAMPLE_RULE_MEMBERS "}]}"

#define EXAMPLE_READINGS \
    "{\"readings\":[{\"step\":1,\"at\":1763668800,\"x\":[21.4,0.55],\"y\":null}," \
    "{\"step\":2,\"at\":1763672400,\"x\":[21.5,0.54],\"y\":[21.62]}]," \
    "\"has_more\":false}"

#define EXAMPLE_SESSIONS \
    "{\"sessions\":[{\"session\":\"pump-7\",\"step\":2,\"version\":1," \
    "\"created_at\":1763668800,\"last_seen_at\":1763672400.25,\"expires_at\":null}]," \
    "\"has_more\":false}"

#define EXAMPLE_SESSION \
    "{\"session\":\"pump-7\",\"step\":2,\"version\":1,\"created_at\":1763668800," \
    "\"last_seen_at\":1763672400.25,\"expires_at\":null,\"state\":[[0.1,-0.2,0.3,0.4," \
    "0.5,-0.6,0.7,-0.8]],\"digest\":\"xxh3:c2f1a9d4b7e60835c2f1a9d4b7e60835\"," \
    "\"ttl\":null,\"time\":{\"last_at\":1763672400},\"last\":[21.5,0.54]," \
    "\"y\":[21.6],\"readings\":[[21.4,0.55],[21.5,0.54]],\"errors\":{\"n\":[1]," \
    "\"mae\":[0.12],\"rmse\":[0.12],\"smape\":[0.56],\"mase\":[1.2],\"rse\":[null]," \
    "\"corr\":[null],\"skill_vs_persistence\":[-0.2],\"skill_vs_seasonal_naive\":[null]," \
    "\"recent\":{\"mae\":[0.12],\"rmse\":[0.12],\"smape\":[0.56],\"mase\":[1.2]," \
    "\"rse\":[null],\"corr\":[null],\"skill_vs_persistence\":[-0.2]," \
    "\"skill_vs_seasonal_naive\":[null]},\"recent_mae\":[],\"intervals\":[]," \
    "\"means\":{\"format\":1,\"season\":0,\"bytes\":\"AQAA\"}},\"calibration\":null}"

#define EXAMPLE_STEPS_REPLY \
    "{\"results\":[{\"session\":\"pump-7\",\"step\":1042,\"version\":1,\"y\":[21.5]}," \
    "{\"error\":{\"code\":\"wrong_length\"," \
    "\"message\":\"x has 1 value where 2 are expected: temp, humidity\"," \
    "\"param\":\"x\"}}]}"

#define EXAMPLE_FORECAST_REPLY \
    "{\"session\":\"pump-7\",\"step\":1042,\"version\":1,\"forecast\":[[21.5]]," \
    "\"intervals\":[{\"level\":0.9,\"lower\":[[20.9]],\"upper\":[[22.1]]," \
    "\"coverage\":[0.894],\"observed\":[830],\"saturated\":false}]}"

#define EXAMPLE_PREDICT_REPLY \
    "{\"model\":\"weather\",\"version\":1,\"y\":[[21.5],[21.6],[21.6]]}"

#define EXAMPLE_EVALUATE_REPLY \
    "{\"model\":\"weather\",\"version\":1,\"windows\":4,\"horizon\":1," \
    "\"season\":null,\"level\":0.9,\"n\":4,\"mae\":0.12,\"rmse\":0.14,\"smape\":0.6," \
    "\"mase\":0.8,\"rse\":0.5,\"corr\":0.9,\"skill_vs_persistence\":0.2," \
    "\"skill_vs_seasonal_naive\":null,\"coverage\":null,\"mean_width\":null," \
    "\"interval_score\":null,\"pinball\":null,\"n_intervals\":0," \
    "\"by_horizon\":[{\"ahead\":1,\"n\":4,\"mae\":0.12,\"rmse\":0.14,\"smape\":0.6," \
    "\"mase\":0.8,\"rse\":0.5,\"corr\":0.9,\"skill_vs_persistence\":0.2," \
    "\"skill_vs_seasonal_naive\":null,\"coverage\":null,\"mean_width\":null," \
    "\"interval_score\":null,\"pinball\":null,\"n_intervals\":0}]," \
    "\"by_output\":[{\"output\":\"temp\",\"n\":4,\"mae\":0.12,\"rmse\":0.14," \
    "\"smape\":0.6,\"mase\":0.8,\"rse\":0.5,\"corr\":0.9," \
    "\"skill_vs_persistence\":0.2,\"skill_vs_seasonal_naive\":null,\"coverage\":null," \
    "\"mean_width\":null,\"interval_score\":null,\"pinball\":null," \
    "\"n_intervals\":0}]}"

#define EXAMPLE_JOB \
    "{\"id\":\"ftjob-7xk2m9q4w8e3r5t1y6u0i2o4\",\"object\":\"fine_tuning.job\"," \
    "\"model\":\"weather\",\"base_version\":1,\"fine_tuned_version\":2," \
    "\"status\":\"succeeded\",\"created_at\":1763668800,\"started_at\":1763668801," \
    "\"finished_at\":1763668860,\"estimated_finish\":null,\"progress\":{\"epoch\":20," \
    "\"n_epochs\":20,\"step\":400,\"n_steps\":400}," \
    "\"hyperparameters\":{\"n_epochs\":20,\"batch_size\":32,\"learning_rate\":0.001," \
    "\"optimizer\":\"adam\",\"momentum\":0,\"weight_decay\":0,\"loss\":\"mse\"," \
    "\"clip_norm\":1,\"window\":64,\"l2_sp\":0,\"dropout\":0," \
    "\"early_stopping_patience\":5,\"train\":\"all\"},\"recipe\":null,\"seed\":1," \
    "\"metadata\":null," \
    "\"trained_steps\":400,\"metrics\":{\"train_loss\":0.21,\"valid_loss\":0.23," \
    "\"baseline_valid_loss\":0.31,\"persistence_valid_loss\":0.35}," \
    "\"promotion\":{\"policy\":\"auto\",\"state\":\"promoted\",\"reason\":null}," \
    "\"error\":null,\"suffix\":null,\"max_seconds\":null,\"dry_run\":false," \
    "\"durable\":true}"
#define EXAMPLE_JOBS "{\"object\":\"list\",\"data\":[" EXAMPLE_JOB "],\"has_more\":false}"

#define EXAMPLE_EVENTS \
    "{\"object\":\"list\",\"data\":[{\"id\":\"ftevent-7\"," \
    "\"object\":\"fine_tuning.job.event\",\"created_at\":1763668820," \
    "\"level\":\"info\",\"type\":\"metrics\",\"message\":\"epoch 7 of 20\"," \
    "\"data\":{\"step\":140,\"epoch\":7,\"train_loss\":0.25,\"valid_loss\":0.26," \
    "\"grad_norm\":0.4,\"lr\":0.001}}],\"has_more\":false}"

#define EXAMPLE_CHECKPOINTS \
    "{\"object\":\"list\",\"data\":[{\"id\":\"ftckpt-7\"," \
    "\"object\":\"fine_tuning.job.checkpoint\",\"created_at\":1763668820," \
    "\"fine_tuning_job_id\":\"ftjob-7xk2m9q4w8e3r5t1y6u0i2o4\",\"step_number\":140," \
    "\"epoch\":7,\"metrics\":{\"train_loss\":0.25,\"valid_loss\":0.26}}]," \
    "\"has_more\":false}"
// clang-format on

#endif
