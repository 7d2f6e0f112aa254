#!/bin/sh
# Only SSH, VRRP and the services' ports come in; the zone is /etc/firewalld/zones/vipforge.xml.
set -eu
echo '==> setting the firewall'

# Not by firewall-offline-cmd: that of 0.6.3 writes the zone's file back in an order of its own, with a .old beside it.
settings=/etc/firewalld/firewalld.conf
sed -i 's/^DefaultZone=.*/DefaultZone=vipforge/' "$settings"
grep -q '^DefaultZone=vipforge$' "$settings"
firewall-offline-cmd --check-config
