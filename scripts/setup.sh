#!/bin/sh
# Sets up a checkout: Debian packages (as root or with sudo), then .venv/ from requirements.lock.
# Run by `make setup` and every target that needs it; safe to run again.
# Arguments are further lists of Debian packages: `make test` names tests/debian-packages.txt.
# A name that ends in ? is a package that not every release has: installed where apt knows it.
# On Fedora it installs nothing, and names what fedora-packages.txt has.
set -eu

cd "$(dirname "$0")/.."
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
log=

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Two set-ups at once would write one .venv: the second waits. The kernel frees the lock with its holder.
one_at_a_time() {
    exec 9<scripts/setup.sh
    flock --nonblock 9 || { say "waiting for another set-up of this checkout" && flock 9; }
}

names() {
    sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$@"
}

missing_packages() {
    names debian-packages.txt "$@" | while read -r name; do
        package=${name%\?}
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" != installed ] || continue
        [ "$package" = "$name" ] || apt_knows "$package" || continue
        printf ' %s' "$package"
    done
}

apt_knows() {
    apt-cache show "$1" 2>/dev/null | grep -q '^Package:'
}

refuse_unknown() {
    unknown=$(for package; do apt_knows "$package" || printf ' %s' "$package"; done)
    [ -z "$unknown" ] || {
        say "$(system) has no package$unknown; what each is for says the list that names it: debian-packages.txt $lists"
        exit 3
    }
}

system() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf '%s' "$PRETTY_NAME")
}

clean_up() {
    [ "$policy_is_ours" = no ] || as_root rm -f "$policy"
    policy_is_ours=no
    [ -z "$log" ] || rm -f "$log"
}

# Packages such as haproxy would start a service on this host; vipforge wants only their programs.
# The mark in the file lets a later run take over what a killed one left.
hold_services() {
    mark="# from vipforge's scripts/setup.sh"
    [ ! -e "$policy" ] || grep -q "$mark" "$policy" || return 0
    policy_is_ours=yes
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

disable_new_services() {
    case "$1 " in
        *" haproxy "*) as_root systemctl disable haproxy >/dev/null 2>&1 || true ;;
    esac
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
        say "apt-get $* failed:"
        tail -n 15 "$log" | sed 's/^/    /' >&2
        exit 3
    }
}

install_packages() {
    wanted=$(missing_packages "$@")
    [ -n "$wanted" ] || return 0
    lists=$*
    if ! can_be_root; then
        say "This host lacks Debian packages; run this, then make again: sudo apt-get install --no-install-recommends$wanted"
        exit 3
    fi
    log=$(mktemp)
    hold_services
    apt update
    wanted=$(missing_packages "$@")
    # shellcheck disable=SC2086 # a list of names
    refuse_unknown $wanted
    say "· installing Debian packages:$wanted"
    # shellcheck disable=SC2086 # a list of names
    apt install --no-install-recommends $wanted
    disable_new_services "$wanted"
    clean_up
}

# Hosts without dpkg. Nothing is installed there: what was never tried is said, not done.
name_packages() {
    if ! command -v rpm >/dev/null; then
        say "! no dpkg and no rpm here: debian-packages.txt lists what vipforge needs, vipforge doctor looks for it"
        return 0
    fi
    wanted=$(names fedora-packages.txt | while read -r package; do
        rpm -q "$package" >/dev/null 2>&1 || printf ' %s' "$package"
    done)
    [ -z "$wanted" ] || {
        say "This host lacks packages; run this, then make again: sudo dnf install$wanted"
        exit 3
    }
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

pip() {
    .venv/bin/pip install -qq --disable-pip-version-check "$@" || {
        say "pip could not install the Python packages (its words are above); it needs PyPI, or a copy named in PIP_INDEX_URL"
        exit 3
    }
}

# .venv/complete is written last and holds the lock file that .venv/ was made from: what an interrupted run
# left, or an older lock file, is made anew.
make_venv() {
    python=${PYTHON:-python3}
    if ! new_enough "$python"; then
        say "$python is missing or older than 3.11. Install Python 3.11 or later, or name one: make PYTHON=python3.12"
        exit 3
    fi
    say "· making .venv"
    rm -f .venv/complete
    rm -rf .venv
    "$python" -m venv .venv
    pip --require-hashes -r requirements.lock
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

one_at_a_time
if command -v dpkg-query >/dev/null; then install_packages "$@"; else name_packages; fi
cmp -s requirements.lock .venv/complete || make_venv
pip --no-deps -e .
cp requirements.lock .venv/complete
