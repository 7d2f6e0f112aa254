#!/bin/sh
# GRUB for a root of Debian: its images, which builder/rootfs/disk.py puts onto the disk, and a menu that needs no device to be
# probed. $1 is the root's folder; mmdebstrap runs this.
set -eu

# The modules are for the menu that update-grub writes when a kernel is installed later.
echo 'grub-pc grub-pc/install_devices multiselect /dev/vda' | chroot "$1" debconf-set-selections
mkdir -p "$1/boot/grub/i386-pc"
ln "$1"/usr/lib/grub/i386-pc/*.mod "$1"/usr/lib/grub/i386-pc/*.lst "$1"/usr/lib/grub/i386-pc/boot.img "$1/boot/grub/i386-pc/"
chroot "$1" grub-mkimage --format=i386-pc --output=/boot/grub/i386-pc/core.img --prefix='(,gpt2)/boot/grub' \
    biosdisk part_gpt ext2 normal linux serial terminal test keystatus search search_label search_fs_uuid ls cat echo reboot
chroot "$1" grub-editenv /boot/grub/grubenv create
cat >"$1/boot/grub/grub.cfg" <<'CFG'
# Boots at once; a Shift key held down shows the menu. update-grub replaces this file when a kernel is installed.
serial --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
if keystatus --shift; then set timeout=-1; fi
# no_timer_check: on a busy host an emulated timer is late at the kernel's check of it, and it may give up.
menuentry 'Debian GNU/Linux' {
    linux /vmlinuz root=LABEL=vipforge-root ro quiet no_timer_check net.ifnames=0 console=tty0 console=ttyS0,115200
    initrd /initrd.img
}
CFG
