#!/bin/sh
# Puts a source-built HAProxy beside the distribution's, where the spec wants one; its unit is in the appliance's files.
# It gets the label of the other, so that SELinux confines it as well.
set -eu
echo '==> putting HAProxy into place'

[ -e /tmp/haproxy.tar ] || exit 0
program=/usr/local/sbin/haproxy
tar --extract --no-same-owner --no-overwrite-dir --file /tmp/haproxy.tar --directory /
rm -f /tmp/haproxy.tar
if ldd "$program" | grep 'not found'; then exit 1; fi
"$program" -v
semanage fcontext --add --type haproxy_exec_t "$program" 2>/dev/null ||
    semanage fcontext --modify --type haproxy_exec_t "$program"
restorecon "$program"
