#!/bin/sh
# Only SSH, VRRP and the services' ports come in; the zone is /etc/firewalld/zones/vipforge.xml.
set -eu
echo '==> setting the firewall'

firewall-offline-cmd --set-default-zone=vipforge
firewall-offline-cmd --check-config
