#!/bin/sh
# Makes sshd read /etc/ssh/sshd_config.d/10-vipforge.conf. Before OpenSSH 8.2 nothing can be included, so the lines
# go to the top of sshd_config, where the first of two wins.
set -eu
echo '==> setting sshd'

main=/etc/ssh/sshd_config
ours=/etc/ssh/sshd_config.d/10-vipforge.conf

grep -q '^Include /etc/ssh/sshd_config.d/' "$main" && exit 0
{
    echo '# vipforge: begin'
    cat "$ours"
    echo '# vipforge: end'
    sed '/^# vipforge: begin$/,/^# vipforge: end$/d' "$main"
} >"$main.vipforge"
cat "$main.vipforge" >"$main"
rm -f "$main.vipforge"
