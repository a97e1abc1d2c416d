/* nvidia-smi without arguments, and nvidia-smi -L. */
#include "smi.h"
#include "smi_output.h"

enum { WIDTH = 89 };

void put_gpu_list(const struct selection *selected)
{
    for (u32 i = 0; i < selected->count; i++) {
        put("GPU ");
        put_number(selected->index[i]);
        put(": ");
        put(selected->gpu[i]->name);
        put(" (UUID: ");
        put(selected->gpu[i]->uuid);
        put(")\n");
    }
}

static void put_border(void)
{
    put("+");
    put_repeated('-', WIDTH);
    put("+\n");
}

static void put_column_border(const char *left, char line, const char *cross)
{
    put(left);
    put_repeated(line, 41);
    put(cross);
    put_repeated(line, 24);
    put(cross);
    put_repeated(line, 22);
    put(left);
    put("\n");
}

static void put_heading(void)
{
    char cuda[16];

    text_copy(cuda, decimal(hardware.cuda_version / 1000), sizeof cuda);
    text_append(cuda, ".", sizeof cuda);
    text_append(cuda, decimal(hardware.cuda_version % 1000 / 10), sizeof cuda);
    put_date();
    put("       \n");
    put_border();
    put("| NVIDIA-SMI ");
    put_left(hardware.library_version, 23);
    put("Driver Version: ");
    put_left(hardware.driver_version, 15);
    put("CUDA Version: ");
    put_left(cuda, 9);
    put("|\n");
    put_column_border("+", '-', "+");
    put("| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n"
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n"
        "|                                         |                        |               MIG M. |\n");
    put_column_border("|", '=', "+");
}

static void put_with_unit(u64 value, const char *unit, int width)
{
    char text[32];

    text_copy(text, decimal(value), sizeof text);
    text_append(text, unit, sizeof text);
    put_right(text, width);
}

/* The real tool cuts a product name at its end and a program's path at its start. */
static void put_product(const char *name, int width)
{
    char shown[NAME_SIZE];

    text_copy(shown, name, sizeof shown);
    if ((int)text_length(shown) > width)
        text_copy(shown + width - 3, "...", 4);
    put_left(shown, width);
}

static void put_program(const char *path, int width)
{
    int surplus = (int)text_length(path) - width;

    if (surplus <= 0) {
        put_left(path, width);
        return;
    }
    put("...");
    put(path + surplus + 3);
}

static void put_gpu(u32 index, const struct gpu *gpu)
{
    char state[8];

    text_copy(state, "P", sizeof state);
    text_append(state, decimal(gpu->power_state), sizeof state);

    put("| ");
    put_right(decimal(index), 3);
    put("  ");
    put_product(gpu->name, 30);
    put(" ");
    put_left(gpu->persistence ? "On" : "Off", 3);
    put(" |   ");
    put_left(gpu->bus, 16);
    put(" Off | ");
    put_right(gpu->ecc ? decimal(gpu->ecc_uncorrected) : "Off", 20);
    put(" |\n|");

    put_with_unit(gpu->fan, "%", 4);
    put_with_unit(gpu->temperature, "C", 6);
    put("    ");
    put_left(state, 4);
    put_with_unit(gpu->power / 1000, "W /", 16);
    put_with_unit(gpu->power_limit / 1000, "W", 6);
    put(" |");
    put_with_unit(memory_used(gpu) >> 20, "MiB /", 13);
    put_with_unit(gpu->memory_total >> 20, "MiB", 10);
    put(" |");
    put_with_unit(gpu->utilization, "%", 8);
    put_right("Default", 13);
    put(" |\n");
    put("|                                         |                        |                  N/A |\n");
    put_column_border("+", '-', "+");
}

static void put_process(u32 index, const struct nvml_process_v2 *process)
{
    char name[NAME_SIZE];

    process_name(process->pid, name, sizeof name);
    put("|");
    put_right(decimal(index), 5);
    put("   N/A  N/A ");
    put_right(decimal(process->pid), 15);
    put("      C   ");
    put_program(name, 36);
    put_with_unit(process->bytes >> 20, "MiB", 10);
    put(" |\n");
}

static void put_processes(const struct selection *selected)
{
    static struct nvml_process_v2 list[MAX_PROCESSES];
    u32 shown = 0;

    put_border();
    put("| Processes:                                                                              |\n"
        "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |\n"
        "|        ID   ID                                                               Usage      |\n|");
    put_repeated('=', WIDTH);
    put("|\n");
    for (u32 i = 0; i < selected->count; i++) {
        u32 count = live_processes(selected->device[i], list, MAX_PROCESSES);

        for (u32 j = 0; j < count; j++, shown++)
            put_process(selected->index[i], &list[j]);
    }
    if (!shown)
        put("|  No running processes found                                                             |\n");
    put_border();
}

void put_table(const struct selection *selected)
{
    put_heading();
    for (u32 i = 0; i < selected->count; i++)
        put_gpu(selected->index[i], selected->gpu[i]);
    put("\n");
    put_processes(selected);
}
