/* What OpenBLAS has that cblas.h does not declare. Internal. */
#ifndef DS_BASE_OPENBLAS_H
#define DS_BASE_OPENBLAS_H

/* Solves A x = b for symmetric positive definite A (LAPACK, in OpenBLAS). */
void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b,
            const int *ldb, int *info);

void openblas_set_num_threads(int threads);

/* The processor that it takes this one for, as "SkylakeX". */
char *openblas_get_corename(void);

#endif
