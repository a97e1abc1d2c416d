/* nvidia-smi: its arguments, and what it says when it cannot start. */
#include "smi.h"
#include "smi_output.h"

enum { MAX_WORDS = 64 };

static char **environment_block;

/* The weak getenv that state.c looks for. */
char *getenv(const char *name);
char *getenv(const char *name)
{
    size_type length = text_length(name);

    for (char **entry = environment_block; *entry; entry++)
        if (text_starts_with(*entry, name) && (*entry)[length] == '=')
            return *entry + length + 1;
    return 0;
}

struct arguments {
    int list;
    char *gpu_fields, *process_fields, *format, *only;
};

static _Noreturn void refuse(const char *message)
{
    put(message);
    put(" Please run 'nvidia-smi -h' for help.\n\n");
    finish(SMI_BAD_ARGUMENTS);
}

/* The text after "--name=" when `argument` is that option, else 0. */
static char *option_value(char *argument, const char *option)
{
    return text_starts_with(argument, option) ? argument + text_length(option) : 0;
}

static struct arguments parse_arguments(int count, char **values)
{
    struct arguments parsed = {0};

    for (int i = 1; i < count; i++) {
        char *value;

        if (text_equal(values[i], "-L") || text_equal(values[i], "--list-gpus"))
            parsed.list = 1;
        else if ((value = option_value(values[i], "--query-gpu=")))
            parsed.gpu_fields = value;
        else if ((value = option_value(values[i], "--query-compute-apps=")))
            parsed.process_fields = value;
        else if ((value = option_value(values[i], "--format=")))
            parsed.format = value;
        else if ((value = option_value(values[i], "--id=")))
            parsed.only = value;
        else if ((text_equal(values[i], "-i") || text_equal(values[i], "--id")) && i + 1 < count)
            parsed.only = values[++i];
        else
            refuse("Invalid combination of input arguments.");
    }
    return parsed;
}

static struct csv_format parse_format(char *format)
{
    struct csv_format parsed = {.header = 1, .units = 1};
    char *words[MAX_WORDS];
    u32 count = format ? split_list(format, words, MAX_WORDS) : 0;
    int csv = 0;

    for (u32 i = 0; i < count; i++) {
        csv |= text_equal(words[i], "csv");
        parsed.header &= !text_equal(words[i], "noheader");
        parsed.units &= !text_equal(words[i], "nounits");
    }
    if (!csv)
        refuse("\"--format=\" switch is missing.");
    return parsed;
}

static int exit_code_of(nvml_return result)
{
    return result > 255 ? 255 : (int)result;
}

static _Noreturn void report_failed_start(nvml_return result)
{
    if (result == NVML_ERROR_DRIVER_NOT_LOADED) {
        put("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
            "that the latest NVIDIA driver is installed and running.\n\n");
        finish(exit_code_of(result));
    }
    put("Failed to initialize NVML: ");
    put(nvmlErrorString(result));
    put("\n");
    if (result == NVML_ERROR_LIB_RM_VERSION_MISMATCH) {
        int dots = 0;

        put("NVML library version: ");
        for (char *c = hardware.library_version; *c; c++)
            if (*c == '.' && ++dots == 2)
                *c = 0;
        put(hardware.library_version);
        put("\n");
    }
    finish(exit_code_of(result));
}

static int is_wanted(u32 index, const struct gpu *gpu, char **wanted, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (text_equal(wanted[i], decimal(index)) || text_equal(wanted[i], gpu->uuid) ||
            text_equal(wanted[i], gpu->bus))
            return 1;
    return count == 0;
}

static void report_lost(u32 index, const struct gpu *gpu, nvml_return result)
{
    put("Unable to determine the device handle for GPU");
    put_number(index);
    put(": ");
    put(gpu->bus + 4);
    put(": ");
    put(nvmlErrorString(result));
    put(result == NVML_ERROR_GPU_IS_LOST ? ".  Reboot the system to recover this GPU\n" : "\n");
}

/* The GPUs asked for; `*exit_code` says whether one of them is lost. */
static struct selection select_gpus(char *only, int *exit_code)
{
    struct selection selected = {0};
    char *wanted[MAX_WORDS];
    u32 wanted_count = only ? split_list(only, wanted, MAX_WORDS) : 0;

    for (u32 i = 0; i < session.visible_count; i++) {
        struct gpu *gpu = &hardware.gpus[session.visible[i]];
        nvml_device device;
        nvml_return result;

        if (!is_wanted(i, gpu, wanted, wanted_count))
            continue;
        result = nvmlDeviceGetHandleByIndex_v2(i, &device);
        if (result != NVML_SUCCESS) {
            report_lost(i, gpu, result);
            *exit_code = exit_code_of(result);
            continue;
        }
        selected.index[selected.count] = i;
        selected.device[selected.count] = device;
        selected.gpu[selected.count++] = gpu;
    }
    if (!selected.count) {
        put("No devices were found\n");
        finish(SMI_NO_DEVICES);
    }
    return selected;
}

_Noreturn void smi_main(long *stack);
_Noreturn void smi_main(long *stack)
{
    int count = (int)stack[0];
    char **values = (char **)(stack + 1);
    struct arguments arguments;
    struct csv_format format = {0};
    struct selection selected;
    nvml_return started;
    int exit_code = 0;

    environment_block = values + count + 1;
    arguments = parse_arguments(count, values);
    if (arguments.gpu_fields || arguments.process_fields)
        format = parse_format(arguments.format);
    started = nvmlInit_v2();
    if (started != NVML_SUCCESS)
        report_failed_start(started);
    selected = select_gpus(arguments.only, &exit_code);
    if (arguments.list)
        put_gpu_list(&selected);
    else if (arguments.gpu_fields)
        put_gpu_query(&selected, arguments.gpu_fields, format);
    else if (arguments.process_fields)
        put_process_query(&selected, arguments.process_fields, format);
    else
        put_table(&selected);
    finish(exit_code);
}

/* The kernel starts a program with the argument count at the stack pointer. */
__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call smi_main\n");
