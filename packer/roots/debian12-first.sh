#!/bin/sh
# Prepares the root of debian12 before its packages come: what the kernel's package makes of the initial RAM disk. $1 is the
# root's folder; mmdebstrap runs this.
set -eu

# Only what finds the root file system, and the seed's CD, on KVM, vSphere, Hyper-V and Xen: the kernel unpacks it and udev
# tries every driver in it at each boot. The CD must be there when systemd starts: ds-identify looks for it then, and without
# one leaves cloud-init out. It is built once, by the kernel's package, with this.
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
echo 'MODULES=list' >"$1/etc/initramfs-tools/conf.d/vipforge"
cat >"$1/etc/initramfs-tools/hooks/vipforge" <<'HOOK'
#!/bin/sh
# The drivers of the disks and the CD that a hypervisor gives this appliance.
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk virtio_scsi sd_mod vmw_pvscsi BusLogic hv_storvsc xen-blkfront \
    ata_piix ata_generic sr_mod
# The root's file system is checked here, and mounted to be written at once: systemd's own check takes three programs more,
# and with a root that it cannot write yet, it writes a first boot's machine-id twice.
for program in /sbin/logsave /sbin/fsck /sbin/fsck.ext4; do copy_exec "$program"; done
HOOK
chmod 0755 "$1/etc/initramfs-tools/hooks/vipforge"
