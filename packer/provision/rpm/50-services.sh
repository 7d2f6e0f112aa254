#!/bin/sh
# What starts with the node. Looked up as links: while the bake runs, some of these units are masked.
set -eu
echo '==> choosing the services'

starts() {
    [ -L "/etc/systemd/system/multi-user.target.wants/$1.service" ] || systemctl enable "$1.service"
}

for unit in vipforge-room haproxy rsyslog firewalld; do
    starts "$unit"
done
# The classic profile has none.
[ ! -e /etc/systemd/system/vipforge-watch.service ] || starts vipforge-watch
if grep -qs '^master agentx$' /etc/snmp/snmpd.conf; then starts snmpd; fi
systemctl mask cloud-config.service # it has no module to run, and starting it takes seconds of every boot
