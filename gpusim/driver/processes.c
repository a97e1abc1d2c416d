#include "processes.h"

/* Cuts the next space-separated word off `*rest`. */
static char *next_word(char **rest)
{
    char *word = *rest;
    char *end = word;

    while (*end && *end != ' ')
        end++;
    if (*end)
        *end++ = 0;
    *rest = end;
    return word;
}

/* "UUID PID BYTES TYPE NAME", the name last because it may hold spaces. */
static void read_process(struct hardware *hardware, char *line)
{
    char *uuid = next_word(&line);
    struct gpu_process process = {0};

    process.pid = (u32)parse_decimal(next_word(&line));
    process.bytes = parse_decimal(next_word(&line));
    process.type = *next_word(&line);
    text_copy(process.name, line, sizeof process.name);
    for (int i = 0; i < MAX_GPUS; i++) {
        struct gpu *gpu = &hardware->gpus[i];

        if (gpu->present && gpu->process_count < MAX_PROCESSES && text_equal(gpu->uuid, uuid))
            gpu->processes[gpu->process_count++] = process;
    }
}

void read_processes(struct hardware *hardware)
{
    static char buffer[STATE_FILE_SIZE];
    char *line = buffer;

    if (read_text_file(environment("GPUSIM_PROCESSES", "/run/gpusim/processes"), buffer,
                       sizeof buffer) < 0)
        return;
    while (*line) {
        char *next = cut_line(line);

        read_process(hardware, line);
        line = next;
    }
}
