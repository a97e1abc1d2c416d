/* The few bpf(2) commands that device rules of a cgroup v2 directory need. Every failure ends the
   program with the kernel's reason on stderr. */
#ifndef GPUSIM_BPF_H
#define GPUSIM_BPF_H

#include <linux/bpf.h>

enum { MAX_PROGRAMS = 64, MAX_INSTRUCTIONS = 4096 };

struct program {
    struct bpf_insn instructions[MAX_INSTRUCTIONS];
    int length;
};

_Noreturn void fail(const char *what);

/* Ids of the device programs attached to a cgroup; how many. */
int attached_programs(int cgroup, __u32 *ids);
int program_by_id(__u32 id);
struct bpf_prog_info program_info(int program, struct bpf_insn *instructions, __u32 bytes);

int load_program(const struct program *program, const char *name);

/* Beside the others, or in the place of `replaced` when it is a descriptor (>= 0). */
void attach_program(int cgroup, int program, int replaced);
void detach_program(int cgroup, int program);

#endif
