#ifndef GPUSIM_SMI_FIELDS_H
#define GPUSIM_SMI_FIELDS_H

#include "state.h"

struct smi_field {
    const char *name;
    const char *header; /* 0: the name itself */
    const char *unit;   /* 0: none; also shown in the header */
    void (*put)(u32 index, const struct gpu *gpu);
};

/* 0 for a field that is not simulated. */
const struct smi_field *find_field(const char *name);

#endif
