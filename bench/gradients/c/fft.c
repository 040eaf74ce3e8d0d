/* src/bin/fft.rs in C. */
#include "enzyme.h"
#include <stdlib.h>

enum { BITS = 13, N = 1 << BITS };

double c_fft(const double *restrict p, const double *restrict roots, const double *restrict weights) {
    double *re = calloc(N, sizeof *re), *im = calloc(N, sizeof *im);
    for (unsigned i = 0; i < N; i++) {
        unsigned j = __builtin_bitreverse32(i) >> (32 - BITS);
        re[j] = p[i];
        im[j] = p[N + i];
    }
    for (long half = 1; half < N; half *= 2) {
        long stride = N / (2 * half);
        for (long start = 0; start < N; start += 2 * half)
            for (long k = 0; k < half; k++) {
                double wr = roots[2 * k * stride], wi = roots[2 * k * stride + 1];
                long i = start + k, j = start + k + half;
                double tr = re[j] * wr - im[j] * wi;
                double ti = re[j] * wi + im[j] * wr;
                re[j] = re[i] - tr;
                im[j] = im[i] - ti;
                re[i] += tr;
                im[i] += ti;
            }
    }
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += weights[i] * (re[i] * re[i] + im[i] * im[i]);
    free(re);
    free(im);
    return sum;
}

void c_fft_gradient(const double *p, double *g, const double *roots, const double *weights) {
    __enzyme_autodiff((void *)c_fft, enzyme_dup, p, g, enzyme_const, roots, enzyme_const, weights);
}
