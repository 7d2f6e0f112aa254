#!/bin/sh
# Puts the source-built keepalived into service, the way the article does it: the init script of the tarball into
# /etc/init.d, its sysconfig file into /etc/sysconfig, chkconfig; and the unit of the same name, which systemd prefers.
set -eu
echo '==> putting keepalived into service'

built=/usr/local/etc
init=/etc/init.d/keepalived
options=/etc/sysconfig/keepalived

tar --extract --no-same-owner --no-overwrite-dir --file /tmp/keepalived.tar --directory /
rm -f /tmp/keepalived.tar
if ldd /usr/local/sbin/keepalived | grep 'not found'; then exit 1; fi
/usr/local/sbin/keepalived --version 2>&1

# The script calls a keepalived on PATH; this one is in /usr/local. KEEPALIVED_OPTIONS is what the sysconfig file sets.
install -m 0755 "$built/rc.d/init.d/keepalived" "$init"
# shellcheck disable=SC2016 # the init script expands it
sed -i 's|daemon keepalived.*|daemon /usr/local/sbin/keepalived ${KEEPALIVED_OPTIONS}|' "$init"
# shellcheck disable=SC2016
grep -q 'daemon /usr/local/sbin/keepalived ${KEEPALIVED_OPTIONS}$' "$init"
# Its header starts it in no runlevel, and `chkconfig keepalived on` cannot add any: where systemd has a unit of that name,
# it enables the unit and leaves the links alone.
sed -i 's|^# chkconfig:.*|# chkconfig: 2345 21 79|' "$init"
grep -q '^# chkconfig: 2345 ' "$init"
install -m 0644 "$built/sysconfig/keepalived" "$options"
sed -i "s|^KEEPALIVED_OPTIONS=.*|KEEPALIVED_OPTIONS=\"$(cat /usr/share/vipforge/keepalived-options)\"|" "$options"
grep -q '^KEEPALIVED_OPTIONS="-D' "$options"

chkconfig --add keepalived
chkconfig keepalived on
chkconfig --list keepalived | grep -q '2:on.*3:on.*4:on.*5:on'
systemctl daemon-reload
systemctl enable keepalived.service vipforge-ovf.service vipforge-identity.service
