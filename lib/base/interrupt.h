/*
 * Holding back the signals by which users end a tool (SIGINT, SIGTERM, SIGHUP), so that it can pass
 * on what it has, or clean up; they take effect at the last ds_interrupt_release. For the whole
 * process: holds may be nested, on one thread.
 */
#ifndef DS_BASE_INTERRUPT_H
#define DS_BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void ds_interrupt_hold(void);
void ds_interrupt_release(void);

/* Whether one is held back now. */
bool ds_interrupted(void);

/* A descriptor that can be read once one is held back, to wait on with poll; -1: none. */
int ds_interrupt_fd(void);

/* Adds the signals to a set. */
void ds_interrupt_signals(sigset_t *set);

#endif
