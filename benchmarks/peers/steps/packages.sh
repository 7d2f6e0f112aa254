#!/bin/sh
# The article's packages, and its toolchain.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install haproxy firewalld psmisc rsyslog
apt-get -q -y install gcc make libc6-dev pkg-config libssl-dev libnl-3-dev libnl-genl-3-dev
