#!/bin/sh
# Enters a root and runs a command in it: enter.sh ROOT FOLDER COMMAND
# Runs as the first process of its own mount and PID namespaces, so nothing mounted or started here outlives it.
# pivot_root and not chroot: the kernel makes no user namespaces for a process in a chroot (user_namespaces(7)).
# Lines on stdin, `SOURCE PLACE ro|rw`, are folders of the host that the root sees.
set -eu

root=$1 folder=$2 command=$3

bind_folders() {
    while read -r source place mode; do
        mkdir -p "$root$place"
        mount --bind "$source" "$root$place"
        [ "$mode" = rw ] || mount -o "remount,bind,$mode" "$root$place"
    done
}

# Devices that are there on the host, and no others: what a test finds here it finds on a bare machine, too.
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
