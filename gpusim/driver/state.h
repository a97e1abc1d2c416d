/* The simulated hardware, as written by `python -m gpusim` (gpusim/state.py, gpusim/processes.py). */
#ifndef GPUSIM_STATE_H
#define GPUSIM_STATE_H

#include "text.h"

enum {
    MAX_GPUS = 16,
    MAX_PROCESSES = 64,
    NAME_SIZE = 96,
    STATE_FILE_SIZE = 65536,
};

struct gpu_process {
    u32 pid;
    char type; /* 'C' compute, 'G' graphics */
    u64 bytes;
    char name[NAME_SIZE];
};

/* Memory in bytes, power in milliwatts, clocks in MHz, utilization in percent. */
struct gpu {
    int present;
    char name[NAME_SIZE], uuid[NAME_SIZE], serial[32], bus[32], vbios[32];
    u64 memory_total, memory_reserved, memory_base, bar1_total, bar1_used;
    u32 minor, device_id, subsystem_id, architecture, brand, cores, cc_major, cc_minor;
    u32 utilization, memory_utilization, temperature, fan;
    u32 power, power_limit, power_state, persistence;
    u32 sm_clock, sm_clock_max, memory_clock, memory_clock_max, pcie_generation, pcie_width;
    u32 ecc, ecc_uncorrected;
    u32 memory_full; /* fault: somebody else took what was free */
    u32 hidden;      /* fault: not on the bus */
    u32 fault;       /* NVML return code of every call on this GPU */
    u32 xid;
    u64 xid_sequence; /* grows with every Xid, so that each is delivered once */
    int process_count;
    struct gpu_process processes[MAX_PROCESSES];
};

struct hardware {
    char driver_version[80];
    char library_version[80]; /* of libnvidia-ml; differs from the driver's after a careless upgrade */
    u32 cuda_version;         /* 1000 * major + 10 * minor */
    u32 init_fault;           /* NVML return code of nvmlInit, 0 when healthy */
    u32 init_delay_ms;
    u32 cuda_fault; /* what cuInit returns though NVML is fine, 0 when healthy */
    struct gpu gpus[MAX_GPUS];
};

extern struct hardware hardware;

/* Reads both files again; 0, or the negative error number when there is no state file. */
int read_hardware(void);

/* Bytes in use without the reserved ones, as nvidia-smi shows them. */
u64 memory_used(const struct gpu *gpu);

/* Value of an environment variable, or `otherwise` when unset or empty. */
const char *environment(const char *name, const char *otherwise);

#endif
