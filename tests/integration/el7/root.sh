#!/bin/sh
# Makes a root that stands in for a guest of the RPM family, in the mount namespace that this runs in, and waits.
# Programs are the host's, files are its own; what is written goes to memory. Usage: root.sh ROOT READY
set -eu

root=$1
mount -t tmpfs -o mode=0755 tmpfs "$root"
cd "$root"
mkdir -p usr layer/upper layer/work etc var/log var/lib run tmp dev/shm proc root home boot fake/bin fake/does
mount -t overlay -o "lowerdir=/usr,upperdir=$root/layer/upper,workdir=$root/layer/work" overlay usr
for link in bin sbin lib lib64; do ln -s "usr/$link" "$link"; done
for device in null zero urandom; do : >"dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mount -t proc proc proc
cp /etc/passwd /etc/group /etc/ld.so.cache etc/
: >"$2"
exec sleep infinity
