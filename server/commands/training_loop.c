#include "commands/training_loop.h"

#include "base/clock.h"
#include "commands/command_line.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOW_MS = 100, BAR_WIDTH = 20 };

static volatile sig_atomic_t is_interrupted;

static void note_signal(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

static struct sigaction old_actions[2];

/* Reset once it has come, so that the second one ends the process. */
void training_loop_watch_signals(void)
{
    const struct sigaction action = { .sa_handler = note_signal,
                                      .sa_flags = SA_RESTART | SA_RESETHAND };
    is_interrupted = 0;
    sigaction(SIGINT, &action, &old_actions[0]);
    sigaction(SIGTERM, &action, &old_actions[1]);
}

void training_loop_end_watch(void)
{
    sigaction(SIGINT, &old_actions[0], NULL);
    sigaction(SIGTERM, &old_actions[1], NULL);
}

bool training_loop_is_interrupted(void)
{
    return is_interrupted != 0;
}

/* ---- what is shown ---- */

static void print_loss(const char *label, double loss)
{
    if (!isnan(loss)) {
        fprintf(stderr, "  %s %.4g", label, loss);
    }
}

static void show(const struct gru_progress *progress, bool is_terminal, bool is_epoch)
{
    if (is_terminal) {
        const size_t n_done =
            progress->n_steps > 0 ? progress->step * BAR_WIDTH / progress->n_steps : BAR_WIDTH;
        char bar[BAR_WIDTH + 1];
        memset(bar, ' ', BAR_WIDTH);
        memset(bar, '#', n_done < BAR_WIDTH ? n_done : BAR_WIDTH);
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r[%s] ", bar);
    }
    if (is_terminal || is_epoch) {
        fprintf(stderr, "epoch %zu of %zu", progress->epoch, progress->n_epochs);
        print_loss("loss", progress->train_loss);
        print_loss("validation", progress->valid_loss);
        print_loss("persistence", progress->persistence_valid_loss);
        fputs(is_terminal ? "\033[K" : "\n", stderr);
    }
}

/* ---- training ---- */

static void advance_to_end(struct training_loop *loop, struct gru_trainer *trainer)
{
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    int64_t shown_ms = 0;
    enum gru_advance advance = GRU_ADVANCED;
    while (advance != GRU_ADVANCED_END && !is_interrupted) {
        advance = gru_trainer_advance(trainer, &loop->progress);
        const int64_t now_ms = clock_monotonic_ms();
        const bool is_epoch = advance == GRU_ADVANCED_EPOCH;
        if (is_epoch || now_ms - shown_ms >= SHOW_MS) {
            show(&loop->progress, is_terminal, is_epoch);
            shown_ms = now_ms;
        }
    }
    gru_trainer_progress(trainer, &loop->progress);
    if (is_terminal) {
        show(&loop->progress, true, true);
        fputc('\n', stderr);
    }
    loop->is_interrupted = is_interrupted;
}

enum gru_status training_loop_set_residuals(struct gru_model *base, struct gru_model *trained,
                                            const struct gru_training *training)
{
    struct gru_comparison *comparison;
    enum gru_status status = gru_comparison_create(base, trained, training, &comparison);
    if (status == GRU_BAD_ARGUMENT) { /* there is nothing to validate on */
        return GRU_OK;
    }
    bool is_done = false;
    while (status == GRU_OK && !is_done) {
        status = gru_comparison_advance(comparison, &is_done);
    }
    if (status == GRU_OK) {
        const struct gru_comparison_result *result = gru_comparison_result(comparison);
        if (result->residuals.n_outputs > 0) {
            status = gru_model_set_residuals(trained, &result->residuals);
        }
    }
    gru_comparison_free(comparison);
    return status;
}

static int fail(const struct training_loop *loop, enum gru_status status)
{
    return status == GRU_NON_FINITE
               ? command_complain(loop->command, COMMAND_FAILED,
                                  "training went astray: the weights are not finite. Try a lower "
                                  "--learning-rate, or --clip-norm")
               : command_complain(loop->command, COMMAND_FAILED, "%s", gru_status_text(status));
}

int training_loop_run(struct training_loop *loop, struct gru_trainer *trainer)
{
    loop->trained = NULL;
    training_loop_watch_signals();
    advance_to_end(loop, trainer);
    enum gru_status status = GRU_OK;
    if (loop->progress.epoch > 0) {
        status = gru_trainer_model(trainer, &loop->trained);
        status = status == GRU_OK
                     ? training_loop_set_residuals(loop->base, loop->trained, loop->training)
                     : status;
    }
    training_loop_end_watch();
    if (status != GRU_OK) {
        gru_model_unref(loop->trained);
        loop->trained = NULL;
        return fail(loop, status);
    }
    return COMMAND_FINE;
}
