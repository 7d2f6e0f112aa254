#!/bin/sh
# SELinux stays enforcing: labels for HAProxy's sockets, the booleans that the spec's ports need, and every file that
# was not installed by a package gets the label of its place.
set -eu
echo '==> labelling files for SELinux'

if ! grep -qx 'SELINUX=enforcing' /etc/selinux/config; then
    echo 'the base has no SELINUX=enforcing in /etc/selinux/config' >&2
    exit 1
fi

# semanage adds what it does not know and modifies what it knows; neither does both. /run is /var/run in its rules.
label() {
    semanage fcontext --add --type "$1" "$2" 2>/dev/null || semanage fcontext --modify --type "$1" "$2"
}

label haproxy_var_run_t '/var/run/haproxy(/.*)?'
# rsyslog's socket is below: it may look into /var/lib and into /dev, but not into a folder of HAProxy's own type.
label var_lib_t /var/lib/haproxy
label device_t /var/lib/haproxy/dev
label devlog_t /var/lib/haproxy/dev/log
mkdir -p /var/lib/haproxy/dev
restorecon -R /etc /usr/local /usr/libexec/vipforge /usr/share/vipforge /var/lib/haproxy

booleans=/usr/share/vipforge/selinux-booleans
[ -e "$booleans" ] || exit 0
while read -r boolean; do
    setsebool -P "$boolean" on
done <"$booleans"
