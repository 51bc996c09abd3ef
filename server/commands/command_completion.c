/* grud completion: scripts for shells. They know nothing of grud: they ask it what may come next.
 */
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/completion.h"
#include "commands/completion_scripts.h"

#include <string.h>

int command_completion(int argc, char *const argv[])
{
    const char *shell = NULL;
    if (command_line_asks_help(&command_completion_line, argc, argv)) {
        return COMMAND_FINE;
    }
    if (argc > 1 && strcmp(argv[1], "--line") == 0) { /* what the scripts say */
        completion_print(argv + 2, (size_t)argc - 2, stdout);
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_completion_line, &shell, argc, argv);
    if (code != COMMAND_FINE) {
        return code;
    }
    for (size_t k = 0; k < COMPLETION_N_SCRIPTS; k++) {
        if (strcmp(completion_scripts[k].shell, shell) == 0) {
            fputs(completion_scripts[k].text, stdout);
            return COMMAND_FINE;
        }
    }
    return command_complain("completion", COMMAND_WRONG_USAGE,
                            "SHELL is bash, zsh or fish, not '%s'", shell);
}
