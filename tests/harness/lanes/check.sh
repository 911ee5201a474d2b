#!/bin/sh
# The loops that measure bandwidth load whole vectors, and keep their sums in registers: nothing of them lies on the stack.
# Usage: check.sh COMPILER SOURCE_FOLDER
set -eu
compiler=$1
source=$2
command -v objdump >/dev/null || { echo "skipped: no objdump (Debian package binutils)"; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo "skipped: not x86_64"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() { # NAME WIDTH REGISTER FLAG...
    name=$1
    width=$2
    register=$3
    shift 3
    "$compiler" -std=c11 -O3 -ffp-contract=fast -I"$source" -DCHIRP_READ_RUN=read_run -DCHIRP_TRIAD_RUN=triad_run \
        -DCHIRP_SWEEP_WIDTH="$width" "$@" -c "$source/harness/roofline/sweep_lanes.c" -o "$folder/$name.o"
    objdump -d --no-show-raw-insn "$folder/$name.o" >"$folder/$name.s"
    if grep -E '[(]%rsp.*%[xyz]mm|%[xyz]mm.*[(]%rsp' "$folder/$name.s"; then
        echo "$name: vectors pass through the stack"
        exit 1
    fi
    loads=$(sed -n '/<read_run>/,/ret/p' "$folder/$name.s" | grep -cE "v?addps +[^,]*\(.*%$register" || true)
    [ "$loads" -ge 8 ] || { echo "$name: $loads loads of whole vectors, not 8"; exit 1; }
    echo "$name: $loads loads of %$register vectors, none by way of the stack"
}

check baseline 4 xmm -mtune=generic
check haswell 8 ymm -march=haswell
check avx2 8 ymm -mavx2 -mfma
check avx512 16 zmm -mavx512f -mfma -mprefer-vector-width=512
check skylake-avx512 16 zmm -march=skylake-avx512 -mprefer-vector-width=512
