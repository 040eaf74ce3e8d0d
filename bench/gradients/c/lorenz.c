/* src/bin/lorenz.rs in C. */
#include "enzyme.h"
#include <stddef.h>

static const double H = 1e-5;

typedef struct {
    double x, y, z;
} Point;

static Point slope(const double *p, double x, double y, double z) {
    return (Point){p[0] * (y - x), x * (p[1] - z) - y, x * y - p[2] * z};
}

double c_lorenz(const double *restrict p, size_t steps) {
    double x = p[3], y = p[4], z = p[5];
    for (size_t i = 0; i < steps; i++) {
        Point a = slope(p, x, y, z);
        Point b = slope(p, x + H / 2 * a.x, y + H / 2 * a.y, z + H / 2 * a.z);
        Point c = slope(p, x + H / 2 * b.x, y + H / 2 * b.y, z + H / 2 * b.z);
        Point d = slope(p, x + H * c.x, y + H * c.y, z + H * c.z);
        x += H / 6 * (a.x + 2 * b.x + 2 * c.x + d.x);
        y += H / 6 * (a.y + 2 * b.y + 2 * c.y + d.y);
        z += H / 6 * (a.z + 2 * b.z + 2 * c.z + d.z);
    }
    return x * x + y * y + z * z;
}

void c_lorenz_gradient(const double *p, double *g, size_t steps) {
    __enzyme_autodiff((void *)c_lorenz, enzyme_dup, p, g, enzyme_const, steps);
}
