/*
 * openblas_choice.h - gives OpenBLAS the kernels that this processor can run. A release of OpenBLAS
 * takes an x86-64 processor that is newer than itself for a Prescott of 2004, and would lose every
 * comparison. Owns nothing; to be called first in main.
 */
#ifndef OPENBLAS_CHOICE_H
#define OPENBLAS_CHOICE_H

/*
 * One thread, and the kernels. Where OpenBLAS did not know the processor and OPENBLAS_CORETYPE is
 * not set, the program begins anew with it set: OpenBLAS reads it only when it is loaded.
 */
void openblas_choose(char *argv[]);

#endif
