/* src/bin/matmul.rs in C. */
#include "enzyme.h"
#include <stdlib.h>

enum { N = 96 };

double c_matmul(const double *restrict p, const double *restrict weights) {
    const double *a = p, *b = p + N * N;
    double *c = calloc(N * N, sizeof *c);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            double v = a[i * N + k];
            for (int j = 0; j < N; j++)
                c[i * N + j] += v * b[k * N + j];
        }
    double sum = 0;
    for (int i = 0; i < N * N; i++)
        sum += weights[i] * c[i] * c[i];
    free(c);
    return sum;
}

void c_matmul_gradient(const double *p, double *g, const double *weights) {
    __enzyme_autodiff((void *)c_matmul, enzyme_dup, p, g, enzyme_const, weights);
}
