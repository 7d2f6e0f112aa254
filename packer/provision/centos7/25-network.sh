#!/bin/sh
# cloud-init 19.4 writes ifcfg files that NetworkManager is told to leave alone (NM_CONTROLLED=no): the network service
# brings them up.
set -eu
echo '==> setting the network service'

if [ -e /usr/lib/systemd/system/NetworkManager.service ]; then
    systemctl disable NetworkManager.service NetworkManager-wait-online.service
fi
chkconfig network on
