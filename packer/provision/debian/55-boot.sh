#!/bin/sh
# Leaves out of the boot what this appliance never needs. As links, which is what `systemctl mask` makes.
set -eu
echo '==> leaving out of the boot what is not needed'

mask() {
    folder=$1
    shift
    mkdir -p "$folder"
    for name in "$@"; do
        ln -sf /dev/null "$folder/$name"
    done
}

# vipforge-seed.service asks cloud-init's generator where its answer is wanted; it takes a second of every boot.
mask /etc/systemd/system-generators cloud-init-generator
# The kernel's command line sets no network; the accounts of packages are there; Debian's list of modules is empty.
mask /etc/systemd/system systemd-network-generator.service systemd-sysusers.service
rm -f /etc/modules-load.d/modules.conf
# cloud-config has no module to run, and starting it is starting Python; no program here is of another machine's kind; there
# is no LVM snapshot to reap; no crash of the firmware to save; cloud-init grows the partition.
mask /etc/systemd/system cloud-config.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
    e2scrub_reap.service systemd-pstore.service systemd-repart.service
# The package's unit, without its place before everything else: what no client waits for waits until the node serves.
later() {
    sed -e 's/^\(Before=.*\)\<sysinit\.target\>/\1/' -e '/^\[Unit\]/a After=vipforge-cloud-init.service' \
        "/lib/systemd/system/$1" >"/etc/systemd/system/$1"
    grep -q '^After=vipforge-cloud-init.service$' "/etc/systemd/system/$1"
    if grep '^Before=.*sysinit' "/etc/systemd/system/$1"; then exit 1; fi
}

later systemd-timesyncd.service
later systemd-update-utmp.service

# File systems that nothing here uses, each a mount program and some a modprobe before anything else; nor is there a screen
# to draw on.
mask /etc/systemd/system dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount modprobe@drm.service
# One partition, in fstab; every service has a unit; no rc.local, no offline update.
mask /etc/systemd/system-generators systemd-cryptsetup-generator systemd-gpt-auto-generator \
    systemd-hibernate-resume-generator systemd-integritysetup-generator systemd-rc-local-generator \
    systemd-run-generator systemd-sysv-generator systemd-system-update-generator systemd-veritysetup-generator
