#include "state.h"

#include "processes.h"

struct hardware hardware;

/* libc's where the process has one (weak: it need not), our own in nvidia-smi. */
extern char *getenv(const char *name) __attribute__((weak));

const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv ? getenv(name) : 0;

    return value && *value ? value : otherwise;
}

enum kind { TEXT, NUMBER32, NUMBER64 };

struct field {
    const char *key;
    enum kind kind;
    size_type offset;
    size_type size;
};

#define FIELD(type, kind, member) \
    {#member, kind, __builtin_offsetof(type, member), sizeof(((type *)0)->member)}

static const struct field GLOBAL_FIELDS[] = {
    FIELD(struct hardware, TEXT, driver_version),
    FIELD(struct hardware, TEXT, library_version),
    FIELD(struct hardware, NUMBER32, cuda_version),
    FIELD(struct hardware, NUMBER32, init_fault),
    FIELD(struct hardware, NUMBER32, init_delay_ms),
    FIELD(struct hardware, NUMBER32, cuda_fault),
    {0, TEXT, 0, 0},
};

static const struct field GPU_FIELDS[] = {
    FIELD(struct gpu, TEXT, name),
    FIELD(struct gpu, TEXT, uuid),
    FIELD(struct gpu, TEXT, serial),
    FIELD(struct gpu, TEXT, bus),
    FIELD(struct gpu, TEXT, vbios),
    FIELD(struct gpu, NUMBER64, memory_total),
    FIELD(struct gpu, NUMBER64, memory_reserved),
    FIELD(struct gpu, NUMBER64, memory_base),
    FIELD(struct gpu, NUMBER64, bar1_total),
    FIELD(struct gpu, NUMBER64, bar1_used),
    FIELD(struct gpu, NUMBER32, minor),
    FIELD(struct gpu, NUMBER32, device_id),
    FIELD(struct gpu, NUMBER32, subsystem_id),
    FIELD(struct gpu, NUMBER32, architecture),
    FIELD(struct gpu, NUMBER32, brand),
    FIELD(struct gpu, NUMBER32, cores),
    FIELD(struct gpu, NUMBER32, cc_major),
    FIELD(struct gpu, NUMBER32, cc_minor),
    FIELD(struct gpu, NUMBER32, utilization),
    FIELD(struct gpu, NUMBER32, memory_utilization),
    FIELD(struct gpu, NUMBER32, temperature),
    FIELD(struct gpu, NUMBER32, fan),
    FIELD(struct gpu, NUMBER32, power),
    FIELD(struct gpu, NUMBER32, power_limit),
    FIELD(struct gpu, NUMBER32, power_state),
    FIELD(struct gpu, NUMBER32, persistence),
    FIELD(struct gpu, NUMBER32, sm_clock),
    FIELD(struct gpu, NUMBER32, sm_clock_max),
    FIELD(struct gpu, NUMBER32, memory_clock),
    FIELD(struct gpu, NUMBER32, memory_clock_max),
    FIELD(struct gpu, NUMBER32, pcie_generation),
    FIELD(struct gpu, NUMBER32, pcie_width),
    FIELD(struct gpu, NUMBER32, ecc),
    FIELD(struct gpu, NUMBER32, ecc_uncorrected),
    FIELD(struct gpu, NUMBER32, memory_full),
    FIELD(struct gpu, NUMBER32, hidden),
    FIELD(struct gpu, NUMBER32, fault),
    FIELD(struct gpu, NUMBER32, xid),
    FIELD(struct gpu, NUMBER64, xid_sequence),
    {0, TEXT, 0, 0},
};

static void set_field(void *owner, const struct field *fields, const char *key, const char *value)
{
    for (; fields->key; fields++) {
        char *place = (char *)owner + fields->offset;

        if (!text_equal(fields->key, key))
            continue;
        if (fields->kind == TEXT)
            text_copy(place, value, fields->size);
        else if (fields->kind == NUMBER32)
            *(u32 *)place = (u32)parse_decimal(value);
        else
            *(u64 *)place = parse_decimal(value);
        return;
    }
}

/* "driver_version=…" or "gpu3.temperature=…"; unknown keys are for others, e.g. the list of faults. */
static void read_line(char *line)
{
    char *value = line;

    while (*value && *value != '=')
        value++;
    if (!*value)
        return;
    *value++ = 0;
    if (text_starts_with(line, "gpu") && is_digit(line[3])) {
        u64 index = parse_decimal(line + 3);
        const char *key = line + 3;

        while (is_digit(*key))
            key++;
        if (index < MAX_GPUS && *key == '.') {
            hardware.gpus[index].present = 1;
            set_field(&hardware.gpus[index], GPU_FIELDS, key + 1, value);
        }
        return;
    }
    set_field(&hardware, GLOBAL_FIELDS, line, value);
}

int read_hardware(void)
{
    static char buffer[STATE_FILE_SIZE];
    long length = read_text_file(environment("GPUSIM_STATE", "/run/gpusim/state"), buffer, sizeof buffer);
    char *line = buffer;

    if (length < 0)
        return (int)length;
    memset(&hardware, 0, sizeof hardware);
    while (*line) {
        char *next = cut_line(line);

        read_line(line);
        line = next;
    }
    read_processes(&hardware);
    return 0;
}

u64 memory_used(const struct gpu *gpu)
{
    u64 available = gpu->memory_total - gpu->memory_reserved;
    u64 used = gpu->memory_base;

    for (int i = 0; i < gpu->process_count; i++)
        used += gpu->processes[i].bytes;
    return gpu->memory_full || used > available ? available : used;
}
