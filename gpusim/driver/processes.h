#ifndef GPUSIM_PROCESSES_H
#define GPUSIM_PROCESSES_H

#include "state.h"

/* Fills in who holds how much memory; a missing file means that nobody does. */
void read_processes(struct hardware *hardware);

#endif
