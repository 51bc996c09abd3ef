/* grud backup: arguments and messages; the layer that has the files is passed in. */
#include "commands/command.h"
#include "commands/command_table.h"
#include "config/config.h"

#include <stdio.h>

enum { COMPLAINT_MAX = 1200 };

static int complain(int code, const char *message)
{
    fprintf(stderr, "grud backup: %s\n", message);
    return code;
}

const struct command_line command_backup_line = {
    .command = "backup",
    .summary = "copies the data directory, also of a grud that runs",
    .usage = "[OPTIONS] TO",
    .operands = { { "DIR", NULL, 0 } },
    .has_daemon_options = true,
};

int command_backup(int argc, char *const argv[], char *const environment[],
                   backup_directory *backup)
{
    struct config config;
    struct fault fault;
    char complaint[COMPLAINT_MAX];
    if (command_line_asks_help(&command_backup_line, argc, argv)) {
        return 0;
    }
    if (argc < 2 || argv[argc - 1][0] == '-' || argv[argc - 1][0] == '\0') {
        command_line_print_usage(&command_backup_line, stderr);
        return 2;
    }
    if (!config_read(argc - 1, argv, environment, &config, complaint, sizeof complaint)) {
        return complain(2, complaint);
    }
    int code = 0;
    if (config.data[0] == '\0') {
        code = complain(2, "which data directory? Say --data DIR, as grud itself was started");
    } else if (backup(config.data, argv[argc - 1], &fault) != STATUS_OK) {
        code = complain(1, fault.message);
    }
    config_done(&config);
    return code;
}
