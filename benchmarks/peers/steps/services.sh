#!/bin/sh
# The article's configuration: VIP, balanced web servers, firewall, kernel setting.
set -eu
cat >/etc/haproxy/haproxy.cfg <<'END'
global
    log /dev/log local0
    user haproxy
    group haproxy
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen web
    bind *:80
    option httpchk GET /
    server web1 192.168.56.21:80 check
    server web2 192.168.56.22:80 check
END
mkdir -p /etc/keepalived
cat >/etc/keepalived/keepalived.conf <<'END'
vrrp_script chk_haproxy {
    script "/usr/bin/killall -0 haproxy"
    interval 2
    weight 2
}
vrrp_instance VI_1 {
    interface ens3
    state MASTER
    virtual_router_id 51
    priority 101
    virtual_ipaddress {
        192.168.56.10
    }
    track_script {
        chk_haproxy
    }
}
END
cat >/etc/systemd/system/keepalived.service <<'END'
[Unit]
After=network-online.target
Wants=network-online.target
[Service]
ExecStart=/usr/local/sbin/keepalived --dont-fork
Restart=always
[Install]
WantedBy=multi-user.target
END
echo 'net.ipv4.ip_nonlocal_bind = 1' >/etc/sysctl.d/60-vip.conf
haproxy -c -f /etc/haproxy/haproxy.cfg
firewall-offline-cmd --add-service=http --add-service=ssh
firewall-offline-cmd --add-rich-rule='rule protocol value="vrrp" accept'
systemctl enable haproxy keepalived firewalld rsyslog
