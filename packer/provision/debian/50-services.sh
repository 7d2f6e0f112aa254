#!/bin/sh
# What starts with the node, the source-built keepalived included. The links are what `systemctl enable` would make; for a
# service that has an init script as well it starts a Perl program, which takes half a minute under emulation.
set -eu
echo '==> putting keepalived and the other services into place'

own=/etc/systemd/system

if ldd /usr/local/sbin/keepalived | grep 'not found'; then exit 1; fi
chmod 0755 /etc/init.d/keepalived

starts() {
    for unit in "$own/$1.service" "/lib/systemd/system/$1.service"; do
        if [ -e "$unit" ]; then
            ln -sf "$unit" "$own/multi-user.target.wants/$1.service"
            return
        fi
    done
    echo "there is no unit $1.service" >&2
    exit 1
}

for unit in vipforge-room vipforge-seed vipforge-ovf vipforge-identity keepalived haproxy rsyslog vipforge-cloud-init \
    vipforge-coldplug vipforge-firewall firewalld; do
    starts "$unit"
done
# The classic profile has none.
[ ! -e "$own/vipforge-watch.service" ] || starts vipforge-watch
if grep -qs '^master agentx$' /etc/snmp/snmpd.conf; then starts snmpd; fi
