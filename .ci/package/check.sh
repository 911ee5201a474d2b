#!/bin/bash
# Installs a Debian package in a bare Debian 12 made by debootstrap, and runs it there. Root, network and debootstrap needed.
# usage: check.sh PACKAGE.deb [FOLDER]   FOLDER keeps the bare Debian, for a faster second time
set -euo pipefail
[ -f "${1:-}" ] || { echo "usage: check.sh PACKAGE.deb [FOLDER]" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "check.sh: debootstrap and chroot need root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "check.sh: install Debian package debootstrap" >&2; exit 2; }
package=$(realpath "$1")
if [ $# -ge 2 ]; then
    root=$2
    mkdir -p "$root"
else
    root=$(mktemp -d)
fi
leave() {
    umount "$root/proc" 2>/dev/null || true
    [ $# -gt 0 ] || rm -rf --one-file-system "$root"
}
trap 'leave ${2:+kept}' EXIT
mirror=${MIRROR:-http://deb.debian.org/debian}
[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase bookworm "$root" "$mirror"
# the way to the mirror is the host's
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive OMP_NUM_THREADS=2 "$@"; }
cp "$package" "$root/chirpbench.deb"
inside apt-get update -q
inside apt-get install -q -y --no-install-recommends /chirpbench.deb
inside sh -eu -c '
    cd "$(mktemp -d)"
    chirpbench --version
    chirpbench doctor --no-measure | grep -E "processors|own kernels"
    CHIRPBENCH_LEVEL=x86-64-v2 chirpbench doctor --no-measure | grep -E "own kernels .*sse2"
    chirpbench train --network spin --iterations 2 --batch 2 --quiet --checkpoint spin.h5
    chirpbench generate --strain strain.hdf5 --gps 1126259462.4 --snr 20 --quiet
    chirpbench infer --checkpoint spin.h5 --strain strain.hdf5 --gps 1126259462.4
    chirpbench bench kernels --benchmark_filter=conv1d/forward/direct/conv7 --benchmark_repetitions=3
    chirpbench project --machine theta --nodes 1,64 >/dev/null
    test -f /usr/share/doc/chirpbench/LICENSE
    test -f /usr/share/chirpbench/machines/theta.json'
inside apt-get purge -q -y chirpbench
for folder in "$root/usr/share/chirpbench" "$root/usr/libexec/chirpbench"; do
    [ ! -e "$folder" ] || { echo "check.sh: the package left $folder behind" >&2; exit 1; }
done
echo "check.sh: $(basename "$package") installs on a bare Debian 12, runs and leaves nothing behind"
