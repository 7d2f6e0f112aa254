#!/bin/sh
# Compiles HAProxy from its tarball into /usr/local. Regular expressions are libc's, so that TLS is all it is linked with;
# before 3.0 libsystemd besides, to say that it is ready.
# Runs in a clean root of the guest's own operating system, natively; never in the guest itself.
# Usage: build.sh SOURCE.tar.gz RESULT.tar
set -eu

source=$1
result=$2
here=/build/haproxy
stage=/build/stage

export SOURCE_DATE_EPOCH=1400000000 LC_ALL=C TZ=UTC

rm -rf "$here" "$stage"
mkdir -p "$here" "$stage"
tar -xzf "$source" -C "$here" --strip-components=1
cd "$here"

make -j"$(nproc)" TARGET=linux-glibc USE_OPENSSL=1 USE_SYSTEMD=1 DEBUG_CFLAGS=-g0
make install-bin PREFIX=/usr/local DESTDIR="$stage"
strip "$stage/usr/local/sbin/haproxy"
told=$("$stage/usr/local/sbin/haproxy" -vv)
echo "$told"
if ! echo "$told" | grep -q '+SYSTEMD'; then
    echo 'this HAProxy cannot tell systemd that it is ready (-Ws), which its unit asks for' >&2
    exit 1
fi

# Sorted by find, because tar before 1.28 cannot; a folder comes before what is in it.
cd "$stage"
find . -print | sort | tar -cf "$result" --no-recursion --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" -T -
