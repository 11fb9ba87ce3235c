/* OpenBLAS as the tools use it. */
#ifndef DS_BLAS_H
#define DS_BLAS_H

/*
 * Lets OpenBLAS run on one thread (more would add up in another order: other bits), by code for
 * this processor. To be called before anything is read or opened: it may start the program anew.
 */
void blas_begin(void);

#endif
