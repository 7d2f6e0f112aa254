#!/bin/sh
# keepalived from its tarball, compiled in the machine.
set -eu
mkdir -p /root/keepalived
tar -xzf /root/keepalived.tar.gz -C /root/keepalived --strip-components=1
cd /root/keepalived
./configure --prefix=/usr/local --quiet
make --quiet -j2
make --quiet install
cd /
rm -rf /root/keepalived /root/keepalived.tar.gz
