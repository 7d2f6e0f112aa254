#!/bin/sh
# Runs one of the node's daemons as the guest's units do, but does not restart it when it ends.
# Usage: netns-service.sh haproxy|keepalived|watch
set -u

SOCKET=/run/haproxy/admin.sock
STATISTICS=/etc/vipforge/statistics.cfg

haproxy_serves() {
    until [ -S "$SOCKET" ]; do
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.02
    done
}

case ${1-} in
    haproxy)
        rm -f "$SOCKET"
        # -n: a container may allow fewer open files than the configuration's maxconn needs.
        set -- -f /etc/haproxy/haproxy.cfg
        [ ! -f "$STATISTICS" ] || set -- "$@" -f "$STATISTICS"
        set -- "$@" -f /etc/vipforge/peers.cfg -L "$(sed -n 's/^ADDRESS=//p' /etc/vipforge/identity)"
        haproxy -db -n 2000 "$@" &
        haproxy_serves $! && /usr/libexec/vipforge/haproxy-state up
        wait $!
        /usr/libexec/vipforge/haproxy-state down
        ;;
    keepalived)
        /usr/libexec/vipforge/drop-vips
        # --vrrp: without IPVS in the host's kernel, 1.2.13 restarts its health checker forever.
        keepalived --vrrp --dont-fork --log-console --log-detail
        /usr/libexec/vipforge/drop-vips
        ;;
    watch)
        # shellcheck disable=SC2046 # the unit's command is split into words on purpose
        exec $(sed -n 's/^ExecStart=//p' /etc/systemd/system/vipforge-watch.service)
        ;;
    *) echo "usage: netns-service.sh haproxy|keepalived|watch" >&2; exit 64 ;;
esac
