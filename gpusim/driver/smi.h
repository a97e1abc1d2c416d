/* The parts of nvidia-smi. Texts, widths and exit codes: nvidia-smi of driver 580. */
#ifndef GPUSIM_SMI_H
#define GPUSIM_SMI_H

#include "nvml.h"

enum { SMI_BAD_ARGUMENTS = 2, SMI_NO_DEVICES = 6 };

/* The GPUs asked for, those that are lost left out. */
struct selection {
    u32 count;
    u32 index[MAX_GPUS]; /* as NVML counts them */
    nvml_device device[MAX_GPUS];
    struct gpu *gpu[MAX_GPUS];
};

struct csv_format {
    int header, units;
};

void put_gpu_list(const struct selection *selected);
void put_table(const struct selection *selected);
void put_gpu_query(const struct selection *selected, char *fields, struct csv_format format);
void put_process_query(const struct selection *selected, char *fields, struct csv_format format);

/* Cuts "a, b,c" into words; how many there are. */
u32 split_list(char *list, char **words, u32 capacity);

/* Compute processes of a GPU that exist in this PID namespace: nvidia-smi shows no others. */
u32 live_processes(nvml_device device, struct nvml_process_v2 *list, u32 capacity);
void process_name(u32 pid, char *name, u32 size);

#endif
