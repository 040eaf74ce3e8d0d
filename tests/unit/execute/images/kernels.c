// Kernels with every shape of arguments: a scalar with slices, every width, none; and a function that is no kernel.
#if defined(__NVPTX__) || defined(__AMDGPU__)
#define KERNEL __attribute__((device_kernel, visibility("protected")))
#else
#define KERNEL __attribute__((visibility("default")))
#endif
typedef unsigned long usize;
__attribute__((noinline)) double helper(double a, double b) { return a * b + 1.0; }
KERNEL void saxpy(double a, const double *x, usize nx, double *y, usize ny) {
    for (usize i = 0; i < ny; i++) y[i] += helper(a, x[i % nx]);
}
KERNEL void widths(signed char a, short b, int c, long d, float e, double *out) { *out = a + b + c + d + e; }
KERNEL void nothing(void) {}
