/* What Enzyme looks for in C. */
extern int enzyme_const;
extern int enzyme_dup;
extern void __enzyme_autodiff(void *, ...);
