/* Buffered output with the alignment that nvidia-smi's table needs. */
#ifndef GPUSIM_SMI_OUTPUT_H
#define GPUSIM_SMI_OUTPUT_H

#include "text.h"

void put(const char *text);
void put_number(u64 value);
void put_repeated(char c, int times);
void put_left(const char *text, int width);
void put_right(const char *text, int width);

/* Local time is not known without libc: UTC. */
void put_date(void);      /* Sat Nov 21 02:24:00 2026 */
void put_timestamp(void); /* 2026/11/21 02:24:00.000 */

/* What was put since `mark = output_mark()` never happened. */
size_type output_mark(void);
void output_forget_from(size_type mark);

/* Writes everything and ends the process. */
_Noreturn void finish(int exit_code);

#endif
