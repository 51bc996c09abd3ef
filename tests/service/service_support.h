/*
 * service_support.h - a service of its own for a test, in a folder of its own, and streams of
 * readings to feed it.
 *
 *     struct world world;
 *     world_init(&world);                    models/m.safetensors, memory only
 *     world_use_data(&world);                also --data
 *     world_start(&world);
 *     double y[OUTPUTS];
 *     expect_step(&world, "pump-7", 3, 1, y);   step 1 of session pump-7 gets reading 1 of stream 3
 *     world_done(&world);
 */
#ifndef SERVICE_SUPPORT_H
#define SERVICE_SUPPORT_H

#include "service/pool/pool.h"
#include "service/service.h"
#include "service/service_private.h"

/* Every network here reads temp and humidity and gives temp (which feeds temp) and comfort. */
enum { INPUTS = 2, OUTPUTS = 2 };

/* ---- folders and files ---- */

struct bytes {
    void *p;
    size_t n;
};

struct bytes file_load(const char *path);
void file_store(const char *path, const void *bytes, size_t n);
bool file_exists(const char *path);
size_t folder_count(const char *path); /* entries; 0 if it is not there */
/* Files of this process can grow to that size and no further, as on a full disk; 0: as before. */
void disk_limit(size_t bytes);

/* ---- networks ---- */

enum { HIDDEN = 4, SEED = 1, HELD_NETWORKS = 256 };

struct bytes network_file(size_t hidden, uint64_t seed);
/* The same with this for its metadata, quotes escaped. */
struct bytes network_file_with(size_t hidden, uint64_t seed, const char *metadata);
/* The same with a mean of 1e8 and std 2 of `temp`, so that its values are two floats (gru.h). */
struct bytes network_file_wide(void);
/* The same with residuals of a validation, for each output alike: means[n_horizons], and of them
 * 0.7, 1.6, 2, 2.5 and 3.5 times for quantiles. */
struct bytes network_file_with_residuals(size_t hidden, uint64_t seed, const double *means,
                                         size_t n_horizons);
/* A network whose results are not finite for the reading `huge` (finite itself), but for ordinary
 * ones are. */
struct bytes network_file_that_overflows(void);
/* The same, with the policy to refuse what is missing. */
struct bytes network_file_that_is_strict(void);
extern const double huge[INPUTS];
/* One input `temp`, one output `class`. */
struct bytes network_file_of_other_shape(void);

/* ---- a service ---- */

struct world {
    char folder[64], models[80], data[80];
    struct config config;
    struct service *service;
    struct service_context *context;
    struct arena arena;                    /* reset by each step_x and expect_step */
    struct arena kept;                     /* what session_get returns */
    struct fault fault;                    /* of the last verb */
    struct gru_model *held[HELD_NETWORKS]; /* so that sessions may be compared after a restart */
    size_t n_held;
};

void world_init(struct world *world);
void world_use_data(struct world *world);
/* models/<name>.safetensors; the bytes are freed. */
void world_add_model(struct world *world, const char *name, struct bytes bytes);
void world_start(struct world *world);
void world_stop(struct world *world);
void world_restart(struct world *world);
/* world_init, world_use_data and world_start. */
void world_start_with_data(struct world *world);
void world_done(struct world *world); /* stops it, and removes the folder */

const struct model *world_model(struct world *world); /* m, in a new turn */
struct pool *world_pool(struct world *world);         /* its pool */
/* PUT of another version of m, and its number; the bytes are freed. */
unsigned world_put_version(struct world *world, struct bytes bytes);
void world_activate(struct world *world, unsigned number);
/* What an acknowledgement waits for where the sync interval is 0. */
enum status world_commit(struct world *world);
struct service_figures world_figures(struct world *world);
bool world_has_session(struct world *world, const char *session); /* expired or not */
enum status world_delete(struct world *world, const char *session);
/* The record of a session, whether it is verified or not. */
char *world_record(struct world *world, const char *session);
/* Of the records of sessions with short ids, without tails. */
const struct record_layout *world_layout(struct world *world);
enum record_use world_use_of(struct world *world, char *record);
/* Makes the session look as if it was last seen that long ago. */
void world_age(struct world *world, const char *session, int64_t ms);

/* ---- steps ---- */

/* Reading `number` (from 1) of a stream: ordinary values, the same at each call. */
void reading(uint64_t stream, uint64_t number, double x[INPUTS]);
/* Readings first..last of it, to be freed. */
double *readings(uint64_t stream, uint64_t first, uint64_t last);

struct step step_make(struct world *world, const char *session, const double *x);
/* A look ahead with known future values for the version that is active now. */
struct forecast_options forecast_options_make(struct world *world, size_t horizon,
                                              const double *future, size_t n_rows);
/* Hands it in until it is done. */
enum status step_take(struct world *world, struct step *step);
enum status step_x(struct world *world, const char *session, const double *x,
                   struct step *ret_step);
/* Reading `number` of the stream with that number for its seq; why it failed is in world->fault. */
enum status step_with_seq(struct world *world, const char *session, uint64_t stream,
                          uint64_t number);
/* That step `number` succeeds with that reading and that number, and how it is answered. */
void expect_step(struct world *world, const char *session, uint64_t stream, uint64_t number,
                 double y[OUTPUTS]);
void expect_steps(struct world *world, const char *session, uint64_t stream, uint64_t first,
                  uint64_t last);
/* That a step with this reading ends with this status (also in world->fault). */
void expect_fault(struct world *world, const char *session, enum status status);

/* What the network (NULL: the active version of m) says after readings first..last of a stream,
 * from a fresh state. */
void twin(struct world *world, struct gru_model *gru, uint64_t stream, uint64_t first,
          uint64_t last, double y[OUTPUTS]);
/* That the session's next step is `number`, and is answered as by an undisturbed twin. */
void expect_twin(struct world *world, const char *session, uint64_t stream, uint64_t number);
void expect_same_floats_at(const char *where, const float *a, const float *b, size_t n);
/* What the state forecasts: [OUTPUTS]. */
void expect_y(const struct gru_model *gru, const float *state, const double *y);
void expect_same_values_at(const char *where, const double *a, const double *b, size_t n);
#define TEXT_OF(x)      #x
#define LINE_TEXT(line) TEXT_OF(line)
#define expect_same_floats(a, b, n)                                                                \
    expect_same_floats_at(__FILE__ ":" LINE_TEXT(__LINE__) " " #a, a, b, n)
#define expect_same_values(a, b, n)                                                                \
    expect_same_values_at(__FILE__ ":" LINE_TEXT(__LINE__) " " #a, a, b, n)

/* ---- whole sequences ---- */

/* Begins it, goes on to its end in slices of so many rows (0: as it would by itself), and ends
 * it. */
enum status prediction_make(struct world *world, struct prediction *prediction, struct arena *arena,
                            size_t slice_rows);
/* The rest of one that has begun. */
enum status prediction_finish(struct world *world, struct prediction *prediction,
                              size_t slice_rows);

/* That of a session. */
void forecast_begin(struct world *world, struct arena *arena, const char *session,
                    const struct forecast_options *forecast_options,
                    struct session_forecast *ret_forecast);

/* ---- whole sessions ---- */

struct session session_get(struct world *world, const char *session);
/* That nothing of what a client can see differs (but for the id, and the times unless
 * `also_times`). */
void expect_same_session(const struct session *a, const struct session *b, bool also_times);
/* PUT, with the readings replayed if there is no state. */
enum status session_put_whole(struct world *world, const char *session,
                              const struct session_restore *restore, bool *ret_created);
struct session_restore restore_of(const struct session *session);

#endif
