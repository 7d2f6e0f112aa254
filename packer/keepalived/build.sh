#!/bin/sh
# Compiles keepalived from its tarball, the way the article does it: configure, make, make install into /usr/local.
# Runs in a clean root of the guest's own operating system, natively; never in the guest itself.
# Usage: build.sh SOURCE.tar.gz RESULT.tar [CONFIGURE-OPTION…]
set -eu

source=$1
result=$2
shift 2
here=/build/keepalived
stage=/build/stage

export SOURCE_DATE_EPOCH=1400000000 LC_ALL=C TZ=UTC

rm -rf "$here" "$stage"
mkdir -p "$here" "$stage"
tar -xzf "$source" -C "$here" --strip-components=1
cd "$here"

# Whether the compiler takes a program ($1) with these flags.
compiles() {
    echo "$1" >/build/probe.c
    shift
    gcc "$@" -c -o /build/probe.o /build/probe.c 2>/dev/null
}

# -fcommon: 1.2.13 defines globals in headers, which gcc 10 and later refuse by default.
flags='-O2 -g0 -fcommon'
# Came with gcc 8.
! compiles 'int x;' -ffile-prefix-map=a=b || flags="$flags -ffile-prefix-map=$here=."
# gcc before 5 takes no compound literal for a constant, which track_process needs (keepalived#2437); no profile uses it.
compiles 'struct s { int a; }; static struct s x = (struct s){ 1 }; int f(void) { return x.a; }' -std=gnu99 ||
    set -- --disable-track-process "$@"

./configure --prefix=/usr/local --with-init=SYSV CFLAGS="$flags" "$@"
make -j"$(nproc)"
make install DESTDIR="$stage"

rm -rf "$stage/usr/local/share/man" "$stage/usr/local/share/doc"
case " $* " in *' --enable-snmp '*) ;; *) rm -rf "$stage/usr/local/share/snmp" ;; esac
find "$stage/usr/local/sbin" "$stage/usr/local/bin" -type f -exec strip {} + 2>/dev/null || true
"$stage/usr/local/sbin/keepalived" --version

# Sorted by find, because tar before 1.28 cannot; a folder comes before what is in it.
cd "$stage"
find . -print | sort | tar -cf "$result" --no-recursion --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" -T -
