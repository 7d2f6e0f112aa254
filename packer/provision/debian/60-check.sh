#!/bin/sh
# Ends the bake if the appliance would not work: what HAProxy, systemd and sysctl say of their files.
set -eu
echo '==> checking the appliance'\''s files'

sysctl --quiet --load=/etc/sysctl.d/60-vipforge.conf
/usr/libexec/vipforge/check-haproxy
nft --check --file /usr/share/vipforge/firewall.nft
systemd-analyze verify --man=no keepalived.service vipforge-identity.service haproxy.service firewalld.service \
    vipforge-firewall.service vipforge-ovf.service vipforge-seed.service vipforge-cloud-init.service \
    vipforge-coldplug.service vipforge-room.service
sshd -t

# Only the guest's own kernel knows whether it has the settings of the spec.
if grep -q '^[^#]' /etc/sysctl.d/70-vipforge-spec.conf; then
    modprobe nf_conntrack
    sysctl --quiet --load=/etc/sysctl.d/70-vipforge-spec.conf
fi
