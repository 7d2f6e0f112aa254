#!/bin/sh
# The same steps by virt-customize (Debian's guestfs-tools): virt_customize.sh BASE TARBALL DISK. Writes DISK.
set -eu
steps=$(dirname "$0")/steps
export LIBGUESTFS_BACKEND=direct
qemu-img create -q -f qcow2 -b "$1" -F qcow2 "$3.work"
virt-customize --quiet --format qcow2 --add "$3.work" --memsize 1024 --smp 2 \
    --upload "$2:/root/keepalived.tar.gz" \
    --run "$steps/packages.sh" --run "$steps/keepalived.sh" --run "$steps/services.sh" --run "$steps/clean.sh"
qemu-img convert -O qcow2 "$3.work" "$3"
rm -f "$3.work"
