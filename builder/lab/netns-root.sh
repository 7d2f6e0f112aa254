#!/bin/sh
# Gives its mount namespace a private root: /etc and /usr are the host's with a writable overlay, /run is empty, and
# /dev/console is a file. Everything written there stays in memory and disappears with the namespace.
# Usage: netns-root.sh LAYERS (an empty folder)
set -eu

layers=$1
mount -t tmpfs -o mode=0755 tmpfs "$layers"
for top in etc usr; do
    mkdir -p "$layers/$top/upper" "$layers/$top/work"
    mount -t overlay -o "lowerdir=/$top,upperdir=$layers/$top/upper,workdir=$layers/$top/work" overlay "/$top"
done
: >"$layers/console"
mount --bind "$layers/console" /dev/console
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/haproxy
mount -t proc proc /proc
