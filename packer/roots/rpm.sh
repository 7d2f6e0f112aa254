#!/bin/sh
# Compiles in a clean root of the RPM family on the host; runs as its root, in a mount namespace of its own.
# Usage: rpm.sh WORK RELEASE 'PACKAGE…' REPOSITORY 'PACKAGE…' PROGRAMS [OPTION…]
# WORK holds dnf.conf and build/, with build.sh and source.tar.gz. REPOSITORY, its packages and the folder of its programs
# are of a newer compiler, or empty.
set -eu

work=$1 release=$2 packages=$3 repository=$4 later=$5 programs=$6
shift 6
root=$work/root

clean_up() {
    umount --lazy "$root/proc" "$root/dev/"* "$root/dev" 2>/dev/null || true
    rm -rf --one-file-system "$root" "$work/cache" "$work/persist"
}
trap clean_up EXIT

# The packages' own scripts want a few devices; they get those, and none of the host's disks.
mkdir -p "$root/dev" "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t proc proc "$root/proc"

with_dnf() {
    dnf --quiet --config "$work/dnf.conf" --releasever "$release" --forcearch x86_64 --installroot "$root" \
        --assumeyes "$@"
}

# shellcheck disable=SC2086 # a list of names
with_dnf install $packages
# shellcheck disable=SC2086 # as above; the repository's key came with the packages before
[ -z "$repository" ] || with_dnf --enablerepo="$repository" install $later

cp -R "$work/build" "$root/build"
PATH=$programs${programs:+:}$PATH chroot "$root" /bin/sh /build/build.sh /build/source.tar.gz /build/result.tar "$@"
cp "$root/build/result.tar" "$work/build/result.tar"
