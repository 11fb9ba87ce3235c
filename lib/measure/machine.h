/*
 * The machine that measures, as far as it tells: what a latency depends on besides network and
 * engine. It goes into the provenance of what is measured.
 */
#ifndef DS_MEASURE_MACHINE_H
#define DS_MEASURE_MACHINE_H

#include "stream/stream.h"

enum { DS_MACHINE_FACTS = 20, DS_MACHINE_TEXT = 160 };

struct ds_machine {
    int n;
    struct ds_fact fact[DS_MACHINE_FACTS]; /* point into text */
    char text[DS_MACHINE_FACTS][DS_MACHINE_TEXT];
};

/*
 * Host, date, processor, microcode, processors allowed, SMT, clock governor, range and turbo,
 * hypervisor, quota of the cgroup, priority, load, kernel, dstools, C library, compiler. What the
 * system does not tell is left out. The struct must stay where it is.
 */
void ds_machine_look(struct ds_machine *m);

/* The processor's name, as /proc/cpuinfo has it; false where it has none. */
bool ds_processor_name(char name[DS_MACHINE_TEXT]);

#endif
