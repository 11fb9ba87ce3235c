#include "base/interrupt.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int held[] = {SIGINT, SIGTERM, SIGHUP};
#define NHELD (sizeof held / sizeof *held)

static struct sigaction before[NHELD];
static volatile sig_atomic_t caught; /* the last of them, 0 if none */
static int wakes = -1;               /* an eventfd, for ds_interrupt_fd */
static int holders;

/* By handlers, since a blocked signal would go to a thread of some library that does not block it.
 */
static void keep_signal(int signal)
{
    const uint64_t one = 1;
    int saved = errno;
    caught = signal;
    ssize_t written = write(wakes, &one, sizeof one);
    (void)written; /* nobody waits yet */
    errno = saved;
}

void ds_interrupt_hold(void)
{
    struct sigaction keep = {.sa_handler = keep_signal, .sa_flags = SA_RESTART};
    if (holders++)
        return;
    caught = 0;
    wakes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (size_t i = 0; i < NHELD; i++)
        if (sigaction(held[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
            sigaction(held[i], &keep, NULL);
}

void ds_interrupt_release(void)
{
    if (--holders)
        return;
    for (size_t i = 0; i < NHELD; i++)
        sigaction(held[i], &before[i], NULL);
    if (wakes >= 0)
        close(wakes);
    wakes = -1;
    if (caught)
        raise(caught);
}

bool ds_interrupted(void)
{
    return caught != 0;
}

int ds_interrupt_fd(void)
{
    return wakes;
}

void ds_interrupt_signals(sigset_t *set)
{
    for (size_t i = 0; i < NHELD; i++)
        sigaddset(set, held[i]);
}
