#!/bin/sh
# Lays the appliance's files over the guest: configuration, units, the programs of /usr/libexec/vipforge.
set -eu
echo '==> laying the appliance'\''s files'

rm -f /etc/resolv.conf # a link, on some guests; the cluster's own file takes its place
tar --extract --no-same-owner --preserve-permissions --unlink-first --file /tmp/payload.tar --directory /
