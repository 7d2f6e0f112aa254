#!/bin/sh
# Asks the HAProxy and the keepalived of a root about the files that were put there; runs as its root, in namespaces of
# its own. For each question NAME, ROOT/judgement/NAME holds what the program told, and NAME.refused exists if it refused.
# Usage: judge.sh ROOT INTERFACE; keepalived is asked about each ROOT/judgement/NODE.conf.
set -eu

root=$1 interface=$2
told=$root/judgement

ask() {
    name=$1
    shift
    chroot "$root" /usr/bin/env PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@" >"$told/$name" 2>&1 </dev/null ||
        : >"$told/$name.refused"
}

# keepalived refuses interfaces and files that do not exist.
ip link show dev "$interface" >/dev/null 2>&1 ||
    ip link add "$interface" type veth peer name vipforge-peer 2>/dev/null || # not every kernel has both types
    ip link add "$interface" type dummy
ip link set "$interface" up
mkdir -p "$root/run/vipforge" "$root/proc" "$root/dev"
for state in haproxy-down haproxy-silent hand-over; do echo 0 >"$root/run/vipforge/$state"; done
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
ln -s /proc/self/fd/0 "$root/dev/stdin" # check-haproxy's, while there are no certificates

ask haproxy.version haproxy -v
ask haproxy /usr/libexec/vipforge/check-haproxy
ask keepalived.version keepalived --version
ask keepalived.help keepalived --help
if grep -q -- --config-test "$told/keepalived.help"; then # since 2.0.4
    for conf in "$told"/*.conf; do
        name=${conf##*/}
        ask "${name%.conf}" keepalived --config-test --use-file="/judgement/$name"
    done
fi
umount "$root/dev/null" "$root/dev" "$root/proc"
