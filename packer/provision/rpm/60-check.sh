#!/bin/sh
# Ends the bake if the appliance would not work: what HAProxy, systemd, sshd and sysctl say of their files.
set -eu
echo '==> checking the appliance'\''s files'

units=/etc/systemd/system
sysctl --quiet --load=/etc/sysctl.d/60-vipforge.conf
/usr/libexec/vipforge/check-haproxy
sshd -t
bash -n /etc/init.d/keepalived

# yum opens a repository's key no earlier than with the first package from it.
sed -n 's|^gpgkey=file://||p' /etc/yum.repos.d/*.repo | while read -r key; do
    [ -s "$key" ] || { echo "the key $key of a repository is missing" >&2 && exit 1; }
done

# systemd 219 ends well with a warning for what it does not know, and wants paths.
told=$(systemd-analyze verify --man=no "$units/keepalived.service" "$units/vipforge-identity.service" \
    "$units/vipforge-ovf.service" "$units/vipforge-room.service" 2>&1) || { echo "$told" >&2 && exit 1; }
echo "$told"
if echo "$told" | grep "$units" | grep -E 'Unknown lvalue|Unknown section|Failed to parse'; then exit 1; fi

# Only the guest's own kernel knows whether it has the settings of the spec.
if grep -q '^[^#]' /etc/sysctl.d/70-vipforge-spec.conf; then
    modprobe nf_conntrack
    sysctl --quiet --load=/etc/sysctl.d/70-vipforge-spec.conf
fi
