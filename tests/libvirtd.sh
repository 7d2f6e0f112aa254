#!/bin/sh
# A libvirtd of the test's own: run in namespaces of its own, its files on RAM disks, one bridge. $1: a folder that
# the test sees as well, for the socket.
set -eu
for folder in /run /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
done
mkdir -p /etc/libvirt/qemu
# libvirt will not start without the account that its system package makes.
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
# Without KVM everywhere: a /dev/kvm that opens may still never start a guest.
mkdir -p /run/dev/pts /run/dev/shm /run/dev/net
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /run/dev/
cp -a /dev/net/tun /run/dev/net/
mount --bind /dev/pts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
# Not by exec: this shell is the first process here, and it buries the QEMUs that leave libvirt.
libvirtd --config /etc/libvirt/libvirtd.conf --pid-file "$1/libvirtd.pid"
exit 1
