#!/bin/sh
# Finishes the carrier's root on the host, when its packages are in: the compiler's packages go into a folder of their own,
# for the vendor's build root; the base has none. $1 is the root; mmdebstrap runs this.
set -eu

tools='gcc libc6-dev make pkg-config libssl-dev libnl-3-dev libnl-genl-3-dev'
# shellcheck disable=SC2086 # a list of names
chroot "$1" apt-get -qq --no-install-recommends --download-only --yes install $tools
mkdir -p "$1/standin/compiler"
# shellcheck disable=SC2086 # as above
chroot "$1" apt-get --no-install-recommends --simulate install $tools | sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
    while read -r name; do
        for deb in "$1/var/cache/apt/archives/${name}"_*.deb; do
            dpkg-deb --extract "$deb" "$1/standin/compiler"
        done
    done

# Debian's Python is byte-compiled before its files move to the stand-in's XFS, where every time stamp is new. Bytecode
# checked by time stamps would be compiled again in memory by each start of cloud-init: measured, 25 s of every boot.
chroot "$1" sh -c 'python3 -m compileall -q -f -j 2 --invalidation-mode unchecked-hash /usr/lib/python3*'
