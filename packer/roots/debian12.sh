#!/bin/sh
# Finishes the root of debian12 on the host, when its packages are in. $1 is its folder; mmdebstrap runs this. What is done
# here costs seconds once; in the guest, under emulation, it would cost a minute of every bake.
set -eu

units=$1/etc/systemd/system

rm -f "$1"/etc/ssh/ssh_host_*
echo 'LANG=C.UTF-8' >"$1/etc/default/locale"
chroot "$1" passwd --quiet --lock root

# The bake starts this target and no more. It logs in before cloud-init has ever run: the kernel's command line brings root's
# key (systemd's credential ssh.authorized_keys.root); address and host key are made here, and removed with all other traces.
cat >"$units/vipforge-bake.service" <<'UNIT'
[Unit]
Description=Throw-away SSH host key and address for the bake
ConditionKernelCommandLine=vipforge.bake
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=-/sbin/modprobe virtio_net
ExecStart=/sbin/ip link set eth0 up
ExecStart=/sbin/ip address add 10.0.2.15/24 dev eth0
UNIT
cat >"$units/vipforge-bake.target" <<'UNIT'
[Unit]
Description=The bake: a login for Packer
Requires=basic.target
Wants=vipforge-bake.service ssh.service
After=basic.target
AllowIsolate=yes
UNIT

# The initial RAM disk has checked it (debian12-first.sh); the bake's own command line says ro, and is no boot of a node's.
sed -i 's/ ro quiet / rw quiet /' "$1/boot/grub/grub.cfg"
grep -q ' rw quiet ' "$1/boot/grub/grub.cfg"

chroot "$1" systemctl --quiet enable systemd-networkd.service
chroot "$1" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
sed -i 's/^DefaultZone=.*/DefaultZone=vipforge/' "$1/etc/firewalld/firewalld.conf"
grep -q '^DefaultZone=vipforge$' "$1/etc/firewalld/firewalld.conf"
