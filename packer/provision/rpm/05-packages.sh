#!/bin/sh
# Installs the packages, from the appliance's own repositories alone and with every signature checked. It runs before the
# appliance's files are laid, so that no package finds its configuration there already.
# VIPFORGE_SERVED is set where the mirror is a folder of the host, which Packer serves: the address that it stands for.
set -eu
echo '==> installing packages'

repositories=/etc/yum.repos.d
ours=$repositories/vipforge.repo
list=/usr/share/vipforge/packages

# A package may bring .repo files of its own (centos-release does), so they go again after each step.
only_ours() {
    find "$repositories" -name '*.repo' ! -name vipforge.repo -exec rm -f {} +
}

from_the_host() {
    sed -i "s|^baseurl=$VIPFORGE_SERVED/\([^ ]*\).*|baseurl=http://$PACKER_HTTP_ADDR/mirror/\1|" "$ours"
    if grep '^baseurl=' "$ours" | grep -qv "^baseurl=http://$PACKER_HTTP_ADDR/"; then
        echo "the repositories of $ours are not those of $VIPFORGE_SERVED" >&2
        exit 1
    fi
}

take_ours() {
    tar --extract --no-same-owner --file /tmp/payload.tar --directory / "${ours#/}" "${list#/}"
}

take_ours
only_ours
[ -z "${VIPFORGE_SERVED-}" ] || from_the_host
yum --assumeyes --setopt=tsflags=nodocs update
only_ours
xargs yum --assumeyes --setopt=tsflags=nodocs install <"$list"
only_ours
xargs rpm --query <"$list" # yum ends well also where a name is unknown
yum clean all
take_ours
