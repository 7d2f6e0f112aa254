#!/bin/sh
# Takes out everything that is one machine's own: keys, identities, logs. A clone must not know who it was.
set -eu
echo '==> removing identity and secrets'

# cloud-init has never run here, so it has left nothing.
rm -rf /root/.ssh /root/.bash_history /root/.cache /var/lib/cloud
rm -f /etc/systemd/system/vipforge-bake.*
rm -f /etc/ssh/ssh_host_* /etc/keepalived/keepalived.conf
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
: >/etc/machine-id
echo localhost >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >/etc/hosts
passwd --quiet --lock root
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/journal/*
find /var/log -type f -exec truncate --size=0 {} +
rm -f /etc/udev/rules.d/70-persistent-net.rules
