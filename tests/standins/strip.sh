#!/bin/sh
# Makes a Debian root look like one of the RPM family: no dpkg, bash as sh, init scripts in /etc/rc.d, system programs
# in /usr/sbin, the group wheel. Usage: strip.sh ROOT UUID
set -eu
cd "$1"

rm -rf var/lib/dpkg var/cache/apt var/lib/apt etc/apt usr/lib/apt usr/share/doc usr/share/perl* etc/initramfs-tools
rm -f usr/bin/dpkg* usr/bin/apt* usr/sbin/update-initramfs* boot/initrd* initrd* vmlinuz*
rm -rf etc/systemd/system/* etc/init.d etc/rc?.d etc/network etc/logrotate.d/*
rm -f usr/lib/systemd/system/cloud-* usr/lib/systemd/system/e2scrub* usr/lib/systemd/system/fstrim.timer
mkdir -p etc/systemd/system/multi-user.target.wants etc/rc.d/init.d
ln -s rc.d/init.d etc/init.d
for level in 0 1 2 3 4 5 6; do
    mkdir -p "etc/rc.d/rc$level.d"
    ln -s "rc.d/rc$level.d" "etc/rc$level.d"
done
ln -sf bash usr/bin/sh
for program in ip ss; do
    [ ! -L "usr/sbin/$program" ] || rm "usr/sbin/$program"
    mv "usr/bin/$program" usr/sbin/
done
# Enabling a native unit does not touch init scripts, as with systemd 219.
printf '#!/bin/sh\nexit 0\n' >usr/lib/systemd/systemd-sysv-install
chmod 0755 usr/lib/systemd/systemd-sysv-install
rm -f etc/os-release etc/debian_version
ln -s ../usr/lib/os-release etc/os-release
rm -f etc/issue etc/issue.net etc/motd usr/lib/os-release etc/sudoers etc/hostname etc/machine-id
: >etc/machine-id
echo localhost >etc/hostname
echo "UUID=$2 / xfs defaults 0 0" >etc/fstab
echo "$2" >etc/standin-root
mkdir -p etc/rpm var/lib/rpm
echo '%_dbpath /var/lib/rpm' >etc/rpm/macros
rm -rf root/.rpmdb
chroot . groupadd --force --system wheel
chroot . usermod --password '!' root
