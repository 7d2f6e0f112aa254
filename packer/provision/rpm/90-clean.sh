#!/bin/sh
# Takes out everything that is one machine's own: keys, identities, logs. A clone must not know who it was.
set -eu
echo '==> removing identity and secrets'

systemctl stop rsyslog.service # or what is still to be done is logged under the name that the guest has during the bake
# A journal on the disk would be begun anew with the next line; one in memory ends with the bake.
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/run/systemd/journald.conf.d/volatile.conf # a file of the same name in /etc would hide it
systemctl restart systemd-journald.service
cloud-init clean --logs --seed
rm -rf /root/.ssh /root/.bash_history /root/.cache /var/lib/cloud
rm -f /root/anaconda-ks.cfg /root/original-ks.cfg /root/.rnd
rm -f /etc/ssh/ssh_host_* /etc/keepalived/keepalived.conf
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/dhclient/*.lease* /var/lib/rsyslog/imjournal.state
find /etc/sysconfig/network-scripts -name 'ifcfg-*' ! -name ifcfg-lo -exec rm -f {} +
find /etc/NetworkManager/system-connections -type f -exec rm -f {} + 2>/dev/null || true
rm -f /etc/udev/rules.d/70-persistent-net.rules
rm -f /etc/aliases.db # names the machine that made it; postfix makes it again when it starts
: >/etc/machine-id
echo localhost >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >/etc/hosts
usermod --password '!' root
rm -rf /var/cache/yum /var/cache/dnf /var/log/anaconda /var/log/journal/*
find /var/log -type f -exec truncate --size=0 {} +

# The name that the bake's seed gave the guest. grep ends with an error where it cannot read something, match or no match.
left=$(grep -rls vipforge-bake /etc /root /var/lib /var/log /var/spool || true)
if [ -n "$left" ]; then
    echo "these files still hold the name of the bake: $left" >&2
    exit 1
fi
