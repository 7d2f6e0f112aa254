#!/bin/sh
# Only SSH, VRRP and the services' ports come in; the zone is /etc/firewalld/zones/vipforge.xml.
set -eu
echo '==> setting the firewall'

# Where it is set already, as in a template that was baked before, setting it again is an error (ZONE_ALREADY_SET).
zone=$(firewall-offline-cmd --get-default-zone)
[ "$zone" = vipforge ] || firewall-offline-cmd --set-default-zone=vipforge
firewall-offline-cmd --check-config
