#!/bin/sh
# The network service brings up what cloud-init 19.4 writes, ifcfg files. Two may not do it: upstream's 19.4 tells
# NetworkManager to leave its files alone (NM_CONTROLLED=no), Red Hat's does not, and a vendor's image has no NetworkManager.
set -eu
echo '==> setting the network service'

if [ -e /usr/lib/systemd/system/NetworkManager.service ]; then
    systemctl disable NetworkManager.service NetworkManager-wait-online.service
fi
chkconfig network on
