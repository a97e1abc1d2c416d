/* nvidia-smi --query-gpu and --query-compute-apps. */
#include "smi.h"
#include "smi_fields.h"
#include "smi_output.h"

enum { MAX_FIELDS = 64 };

u32 split_list(char *list, char **words, u32 capacity)
{
    u32 count = 0;

    while (*list && count < capacity) {
        while (*list == ' ')
            list++;
        words[count++] = list;
        while (*list && *list != ',')
            list++;
        if (*list)
            *list++ = 0;
    }
    return count;
}

static void put_separator(u32 place)
{
    if (place)
        put(", ");
}

static _Noreturn void refuse_field(const char *name)
{
    put("Field \"");
    put(name);
    put("\" is not a valid field to query.\n\n");
    finish(SMI_BAD_ARGUMENTS);
}

static void put_header_cell(const char *name, const char *unit)
{
    put(name);
    if (unit) {
        put(" [");
        put(unit);
        put("]");
    }
}

void put_gpu_query(const struct selection *selected, char *fields, struct csv_format format)
{
    char *names[MAX_FIELDS];
    const struct smi_field *asked[MAX_FIELDS];
    u32 count = split_list(fields, names, MAX_FIELDS);

    for (u32 i = 0; i < count; i++)
        if (!(asked[i] = find_field(names[i])))
            refuse_field(names[i]);
    for (u32 i = 0; format.header && i < count; i++) {
        put_separator(i);
        put_header_cell(asked[i]->header ? asked[i]->header : asked[i]->name, asked[i]->unit);
    }
    if (format.header)
        put("\n");
    for (u32 row = 0; row < selected->count; row++) {
        for (u32 i = 0; i < count; i++) {
            put_separator(i);
            asked[i]->put(selected->index[row], selected->gpu[row]);
            if (format.units && asked[i]->unit) {
                put(" ");
                put(asked[i]->unit);
            }
        }
        put("\n");
    }
}

static int is_memory_field(const char *name)
{
    return text_equal(name, "used_memory") || text_equal(name, "used_gpu_memory");
}

static void put_process_cell(const char *name, const struct gpu *gpu,
                             const struct nvml_process_v2 *process, struct csv_format format)
{
    char text[NAME_SIZE];

    if (text_equal(name, "pid")) {
        put_number(process->pid);
    } else if (text_equal(name, "process_name") || text_equal(name, "name")) {
        process_name(process->pid, text, sizeof text);
        put(text);
    } else if (text_equal(name, "gpu_uuid")) {
        put(gpu->uuid);
    } else if (text_equal(name, "gpu_name")) {
        put(gpu->name);
    } else if (text_equal(name, "gpu_bus_id")) {
        put(gpu->bus);
    } else if (is_memory_field(name)) {
        put_number(process->bytes >> 20);
        put(format.units ? " MiB" : "");
    } else {
        refuse_field(name);
    }
}

void put_process_query(const struct selection *selected, char *fields, struct csv_format format)
{
    static struct nvml_process_v2 list[MAX_PROCESSES];
    static const struct nvml_process_v2 nobody;
    char *names[MAX_FIELDS];
    u32 count = split_list(fields, names, MAX_FIELDS);
    size_type before = output_mark();

    /* A wrong name is refused even where no process would show it. */
    for (u32 i = 0; i < count; i++)
        put_process_cell(names[i], &hardware.gpus[0], &nobody, format);
    output_forget_from(before);

    for (u32 i = 0; format.header && i < count; i++) {
        put_separator(i);
        put_header_cell(names[i], is_memory_field(names[i]) ? "MiB" : 0);
    }
    if (format.header)
        put("\n");
    for (u32 row = 0; row < selected->count; row++) {
        u32 running = live_processes(selected->device[row], list, MAX_PROCESSES);

        for (u32 j = 0; j < running; j++) {
            for (u32 i = 0; i < count; i++) {
                put_separator(i);
                put_process_cell(names[i], selected->gpu[row], &list[j], format);
            }
            put("\n");
        }
    }
}
