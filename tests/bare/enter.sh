#!/bin/sh
# Enters a root and runs a command in it: enter.sh ROOT FOLDER COMMAND
# It is the first process of its mount and PID namespaces, so nothing mounted or started here outlives it.
# It uses pivot_root, because a process in a chroot cannot create user namespaces (user_namespaces(7)).
# Each line on stdin, `SOURCE PLACE ro|rw`, is a folder of the host that is visible in the root.
set -eu

root=$1 folder=$2 command=$3

bind_folders() {
    while read -r source place mode; do
        mkdir -p "$root$place"
        mount --bind "$source" "$root$place"
        [ "$mode" = rw ] || mount -o "remount,bind,$mode" "$root$place"
    done
}

# Only devices that exist on the host: what a test finds here, it also finds on a bare machine.
make_devices() {
    mount -t tmpfs -o mode=755,size=1m devices "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net" "$root/dev/mapper"
    for device in null zero full random urandom tty kvm fuse net/tun vhost-net vhost-vsock loop-control; do
        [ -e "/dev/$device" ] || continue
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    : >"$root/dev/console" # what is written there stays in the root
    mount --bind /dev/null "$root/dev/console"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 terminals "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shared "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
}

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --make-rprivate "$root/sys"
make_devices
bind_folders
echo bare >/proc/sys/kernel/hostname
cd "$root"
mkdir -p .host
pivot_root . .host
cd /
umount -l /.host
rmdir /.host
cd "$folder"
status=0
sh -c "$command" </dev/null || status=$?
exit "$status"
