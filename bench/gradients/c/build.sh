#!/bin/sh
# Makes libgradients_c.a in the folder $1: each program is compiled with clang, differentiated by the Enzyme that rustc
# has, and optimised again. The optimisation before Enzyme is what rustc does before it, too.
set -eu
out=$1
here=$(dirname -- "$0")
llvm=${LLVM:-22}
enzyme=${ENZYME:-$("${RUSTC:-rustc}" --print target-libdir)/libEnzyme-$llvm.so}
for source in "$here"/*.c; do
    name=$(basename -- "$source" .c)
    "clang-$llvm" -std=c17 -O2 -fno-math-errno -fno-vectorize -fno-slp-vectorize -fno-unroll-loops -S -emit-llvm \
        -o "$out/$name.ll" "$source"
    "opt-$llvm" -load-pass-plugin="$enzyme" -passes=enzyme -S -o "$out/$name.ad.ll" "$out/$name.ll"
    "clang-$llvm" -O3 -c -o "$out/$name.o" "$out/$name.ad.ll"
done
rm -f "$out/libgradients_c.a"
"llvm-ar-$llvm" rcs "$out/libgradients_c.a" "$out"/*.o
