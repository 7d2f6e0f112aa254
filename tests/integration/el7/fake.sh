#!/bin/sh
# Stands in for a program of the guest: notes its words where /fake/calls is, refuses options that the guest's release of it lacks, and fails
# where FAIL_AT counts to this call. What it does beyond that is in /fake/does/NAME.
name=${0##*/}
if [ -e /fake/calls ]; then
    printf '%s %s\n' "$name" "$*" >>/fake/calls
    [ "$(wc -l </fake/calls)" != "${FAIL_AT-}" ] || { echo "$name: fails on purpose" >&2; exit 1; }
fi

known=$(sed -n "s/^$name://p" /fake/options)
for word in "$@"; do
    case $word in
        -*)
            case "$known " in
                *" ${word%%=*} "*) ;;
                *) echo "$name: unrecognized option '$word'" >&2; exit 64 ;;
            esac
            ;;
    esac
done
[ ! -x "/fake/does/$name" ] || exec "/fake/does/$name" "$@"
