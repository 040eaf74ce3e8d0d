/* src/bin/gmm.rs in C. */
#include "enzyme.h"
#include <math.h>
#include <stdlib.h>

enum { K = 25, D = 10, POINTS = 1000 };

static double log_sum_exp(const double *x) {
    double most = x[0];
    for (int k = 0; k < K; k++)
        if (x[k] > most)
            most = x[k];
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += exp(x[k] - most);
    return most + log(sum);
}

double c_gmm(const double *restrict p, const double *restrict points) {
    const double *weights = p, *means = p + K, *scales = p + K + K * D;
    double *terms = calloc(K, sizeof *terms);
    double total = 0;
    for (int n = 0; n < POINTS; n++) {
        const double *x = points + n * D;
        for (int k = 0; k < K; k++) {
            double square = 0, logs = 0;
            for (int d = 0; d < D; d++) {
                double q = scales[k * D + d];
                double z = (x[d] - means[k * D + d]) * exp(q);
                square += z * z;
                logs += q;
            }
            terms[k] = weights[k] + logs - 0.5 * square;
        }
        total += log_sum_exp(terms);
    }
    free(terms);
    return total - POINTS * log_sum_exp(weights);
}

void c_gmm_gradient(const double *p, double *g, const double *points) {
    __enzyme_autodiff((void *)c_gmm, enzyme_dup, p, g, enzyme_const, points);
}
