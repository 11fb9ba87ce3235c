/* Unit tests that print TAP: CHECK counts, prints a line each, and goes on after a failure. */
#ifndef TAP_H
#define TAP_H

#include <stdio.h>

static int tap_count, tap_failed;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        int tap_ok = (condition) ? 1 : 0;                                                          \
        tap_count++;                                                                               \
        tap_failed += !tap_ok;                                                                     \
        printf("%s %d - ", tap_ok ? "ok" : "not ok", tap_count);                                   \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        if (!tap_ok)                                                                               \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                               \
    } while (0)

#define TAP_END() (printf("1..%d\n", tap_count), tap_failed > 0)

#endif
