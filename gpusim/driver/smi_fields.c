/* What `nvidia-smi --query-gpu=` can be asked for; names as `nvidia-smi --help-query-gpu` lists them. */
#include "smi_fields.h"

#include "nvml.h"
#include "smi_output.h"

#define NUMBER_FIELD(function, expression)                     \
    static void function(u32 index, const struct gpu *gpu)     \
    {                                                          \
        (void)index;                                           \
        (void)gpu;                                             \
        put_number(expression);                                \
    }

#define TEXT_FIELD(function, expression)                       \
    static void function(u32 index, const struct gpu *gpu)     \
    {                                                          \
        (void)index;                                           \
        (void)gpu;                                             \
        put(expression);                                       \
    }

static void put_watts(u32 milliwatts)
{
    put_number(milliwatts / 1000);
    put(".");
    put_number(milliwatts % 1000 / 100);
    put_number(milliwatts % 100 / 10);
}

static u64 memory_free(const struct gpu *gpu)
{
    return gpu->memory_total - gpu->memory_reserved - memory_used(gpu);
}

NUMBER_FIELD(put_index, index)
NUMBER_FIELD(put_count, session.visible_count)
TEXT_FIELD(put_driver, hardware.driver_version)
TEXT_FIELD(put_name, gpu->name)
TEXT_FIELD(put_uuid, gpu->uuid)
TEXT_FIELD(put_serial, gpu->serial)
TEXT_FIELD(put_bus, gpu->bus)
TEXT_FIELD(put_vbios, gpu->vbios)
NUMBER_FIELD(put_memory_total, gpu->memory_total >> 20)
NUMBER_FIELD(put_memory_reserved, gpu->memory_reserved >> 20)
NUMBER_FIELD(put_memory_used, memory_used(gpu) >> 20)
NUMBER_FIELD(put_memory_free, memory_free(gpu) >> 20)
NUMBER_FIELD(put_utilization, gpu->utilization)
NUMBER_FIELD(put_memory_utilization, gpu->memory_utilization)
NUMBER_FIELD(put_temperature, gpu->temperature)
NUMBER_FIELD(put_fan, gpu->fan)
NUMBER_FIELD(put_sm_clock, gpu->sm_clock)
NUMBER_FIELD(put_sm_clock_max, gpu->sm_clock_max)
NUMBER_FIELD(put_memory_clock, gpu->memory_clock)
NUMBER_FIELD(put_memory_clock_max, gpu->memory_clock_max)
NUMBER_FIELD(put_pcie_generation, gpu->pcie_generation)
NUMBER_FIELD(put_pcie_width, gpu->pcie_width)
TEXT_FIELD(put_persistence, gpu->persistence ? "Enabled" : "Disabled")
TEXT_FIELD(put_ecc_mode, gpu->ecc ? "Enabled" : "Disabled")
TEXT_FIELD(put_ecc_corrected, gpu->ecc ? "0" : "[N/A]")
TEXT_FIELD(put_ecc_uncorrected, gpu->ecc ? decimal(gpu->ecc_uncorrected) : "[N/A]")
TEXT_FIELD(put_default, "Default")
TEXT_FIELD(put_disabled, "Disabled")
TEXT_FIELD(put_not_available, "[N/A]")

static void put_time(u32 index, const struct gpu *gpu)
{
    (void)index;
    (void)gpu;
    put_timestamp();
}

static void put_power(u32 index, const struct gpu *gpu)
{
    (void)index;
    put_watts(gpu->power);
}

static void put_power_limit(u32 index, const struct gpu *gpu)
{
    (void)index;
    put_watts(gpu->power_limit);
}

static void put_power_state(u32 index, const struct gpu *gpu)
{
    (void)index;
    put("P");
    put_number(gpu->power_state);
}

static void put_compute_capability(u32 index, const struct gpu *gpu)
{
    (void)index;
    put_number(gpu->cc_major);
    put(".");
    put_number(gpu->cc_minor);
}

static const struct smi_field FIELDS[] = {
    {"timestamp", 0, 0, put_time},
    {"index", 0, 0, put_index},
    {"count", 0, 0, put_count},
    {"driver_version", 0, 0, put_driver},
    {"name", 0, 0, put_name},
    {"gpu_name", "name", 0, put_name},
    {"uuid", 0, 0, put_uuid},
    {"gpu_uuid", "uuid", 0, put_uuid},
    {"serial", 0, 0, put_serial},
    {"gpu_serial", "serial", 0, put_serial},
    {"pci.bus_id", 0, 0, put_bus},
    {"gpu_bus_id", "pci.bus_id", 0, put_bus},
    {"vbios_version", 0, 0, put_vbios},
    {"compute_cap", 0, 0, put_compute_capability},
    {"memory.total", 0, "MiB", put_memory_total},
    {"memory.reserved", 0, "MiB", put_memory_reserved},
    {"memory.used", 0, "MiB", put_memory_used},
    {"memory.free", 0, "MiB", put_memory_free},
    {"utilization.gpu", 0, "%", put_utilization},
    {"utilization.memory", 0, "%", put_memory_utilization},
    {"temperature.gpu", 0, 0, put_temperature},
    {"fan.speed", 0, "%", put_fan},
    {"power.draw", 0, "W", put_power},
    {"power.limit", 0, "W", put_power_limit},
    {"power.default_limit", 0, "W", put_power_limit},
    {"enforced.power.limit", 0, "W", put_power_limit},
    {"clocks.sm", "clocks.current.sm", "MHz", put_sm_clock},
    {"clocks.current.sm", 0, "MHz", put_sm_clock},
    {"clocks.max.sm", 0, "MHz", put_sm_clock_max},
    {"clocks.mem", "clocks.current.memory", "MHz", put_memory_clock},
    {"clocks.current.memory", 0, "MHz", put_memory_clock},
    {"clocks.max.memory", 0, "MHz", put_memory_clock_max},
    {"pcie.link.gen.current", 0, 0, put_pcie_generation},
    {"pcie.link.gen.max", 0, 0, put_pcie_generation},
    {"pcie.link.width.current", 0, 0, put_pcie_width},
    {"pcie.link.width.max", 0, 0, put_pcie_width},
    {"pstate", 0, 0, put_power_state},
    {"persistence_mode", 0, 0, put_persistence},
    {"display_active", 0, 0, put_disabled},
    {"display_mode", 0, 0, put_disabled},
    {"compute_mode", 0, 0, put_default},
    {"mig.mode.current", 0, 0, put_not_available},
    {"ecc.mode.current", 0, 0, put_ecc_mode},
    {"ecc.errors.corrected.volatile.total", 0, 0, put_ecc_corrected},
    {"ecc.errors.uncorrected.volatile.total", 0, 0, put_ecc_uncorrected},
    {"ecc.errors.corrected.aggregate.total", 0, 0, put_ecc_corrected},
    {"ecc.errors.uncorrected.aggregate.total", 0, 0, put_ecc_uncorrected},
};

const struct smi_field *find_field(const char *name)
{
    for (size_type i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        if (text_equal(FIELDS[i].name, name))
            return &FIELDS[i];
    return 0;
}
