/*
 * DS_WIDE: a function of loops, compiled for several instruction sets where the compiler can and
 * sanitizers let; the processor's is chosen when the program starts. Internal to libds.
 */
#ifndef DS_BASE_WIDE_H
#define DS_BASE_WIDE_H

#if defined __x86_64__ && defined __GNUC__ && !defined __SANITIZE_ADDRESS__ && !defined __clang__
#define DS_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DS_WIDE
#endif

#endif
