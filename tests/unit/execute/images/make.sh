#!/bin/sh
# Makes `host.out` (what device passes write) and `program` (linked) beside this script. It needs LLVM 22 with clang,
# lld and clang-linker-wrapper, libomptarget, and ptxas and nvlink, all on PATH.
set -eu
cd -- "$(dirname -- "$0")"
llvm=$(llvm-config-22 --libdir)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

bitcode() {
    clang-22 "--target=$1" -O1 -nogpulib -c -emit-llvm kernels.c -o "$work/$1.bc" "$2" "$3"
}
bitcode nvptx64-nvidia-cuda -march=sm_90 --cuda-feature=+ptx78
bitcode amdgcn-amd-amdhsa -mcpu=gfx90a -Wall
clang-22 --target=x86_64-unknown-linux-gnu -O1 -fPIC -c kernels.c -o "$work/host.o"
image() {
    printf -- '--image=file=%s,triple=%s,arch=%s,kind=openmp' "$work/$1" "$2" "$3"
}
llvm-offload-binary-22 -o host.out \
    "$(image nvptx64-nvidia-cuda.bc nvptx64-nvidia-cuda sm_90)" \
    "$(image amdgcn-amd-amdhsa.bc amdgcn-amd-amdhsa gfx90a)" \
    "$(image host.o x86_64-unknown-linux-gnu generic)"
clang-22 -c -O1 -fPIE program.c -Xclang -fembed-offload-object=host.out -o "$work/program.o"
clang-linker-wrapper-22 --host-triple=x86_64-unknown-linux-gnu --linker-path="$(command -v cc)" \
    --device-compiler=nvptx64-nvidia-cuda=--cuda-feature=+ptx78 "$work/program.o" -o program \
    -s -Wl,-z,noseparate-code "-L$llvm" -lomptarget -lomp
