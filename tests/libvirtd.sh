#!/bin/sh
# Runs a libvirtd for one test, in its own namespaces, with its files on RAM disks, and one bridge.
# Usage: libvirtd.sh FOLDER (for the socket; the test sees it, too)
set -eu
for folder in /run /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
done
mkdir -p /etc/libvirt/qemu
# libvirt does not start without the account that its system package creates.
for file in passwd group; do
    cp "/etc/$file" "/run/$file"
    mount --bind "/run/$file" "/etc/$file"
done
echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
echo 'libvirt-qemu:x:64055:' >>/etc/group
cat >/etc/libvirt/qemu.conf <<'END'
stdio_handler = "file"
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
END
printf 'unix_sock_dir = "%s"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n' "$1" >/etc/libvirt/libvirtd.conf
# No host has KVM here: a /dev/kvm that can be opened may still be unable to start a guest.
mkdir -p /run/dev/pts /run/dev/shm /run/dev/net
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /run/dev/
cp -a /dev/net/tun /run/dev/net/
mount --bind /dev/pts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
# Without exec: this shell is the first process here, and it reaps the QEMUs that libvirt leaves behind.
libvirtd --config /etc/libvirt/libvirtd.conf --pid-file "$1/libvirtd.pid"
exit 1
