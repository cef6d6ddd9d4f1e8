#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a release build makes is hardened: linked position-independent, with relocations that are
# made read-only at the start; compiled with _FORTIFY_SOURCE's checks, and against smashed stacks,
# clashing stacks and diverted control flow.
# Environment: BUILD, the directory of the release build.
# shellcheck disable=SC2016,SC2317 # a shell of its own expands it; check() calls what it is given
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # TITLE COMMAND...
    title=$1
    shift
    "$@" >"$work/output" 2>&1
    tap $? "$title" "$work/output"
}

# has FILE PATTERN READELF-OPTION: what readelf says of it matches.
has() {
    LC_ALL=C readelf -W "$3" "$1" 2>&1 | grep -E -- "$2" >"$work/found" && return
    echo "readelf $3 ${1##*/}: nothing matches $2"
    return 1
}

# The same of each file in $work/objects.
all_have() {
    for object in "$work"/objects/*; do
        has "$object" "$1" "$2" || return
    done
}

check_link() {
    check "$1 is position-independent" has "$BUILD/$1" 'Type: +DYN' -h
    check "$1 has relocations that become read-only" has "$BUILD/$1" 'GNU_RELRO' -l
    check "$1 binds all symbols at the start" has "$BUILD/$1" 'BIND_NOW|Flags:.* NOW' -d
    check "$1 has a stack without code" has "$BUILD/$1" 'GNU_STACK .* RW +0x' -l
}

check_objects() { # TITLE, of what is in $work/objects, linked together in $work/all.o
    check "$1: it checks its stack" has "$work/all.o" 'UND __stack_chk_fail$' -s
    case $(uname -m) in
    x86_64) check "$1: all of it marks where calls may go" all_have 'IBT.*SHSTK' -n ;;
    aarch64) check "$1: all of it marks where calls may go" all_have 'BTI.*PAC' -n ;;
    esac
    if has "$work/all.o" 'DW_AT_producer.*GNU C' --debug-dump=info >/dev/null; then
        check "$1: all of it probes large frames" \
            all_have 'DW_AT_producer.* -fstack-clash-protection' --debug-dump=info
    else
        tap 0 "$1: all of it probes large frames # SKIP clang does not note that in what it makes"
    fi
}

take_objects() { # TITLE COMMAND..., which puts them into the directory that it is run in
    title=$1
    shift
    rm -rf "$work/objects" "$work/all.o"
    mkdir "$work/objects"
    check "$title: there are objects to look at" \
        sh -c 'cd "$0" && "$@" && ld -r -o ../all.o ./*' "$work/objects" "$@"
}

for file in libxsutil.so libxl-lite.so xl-lite; do check_link "$file"; done
for file in libxsutil.a libxl-lite.a; do
    take_objects "$file" ar x "$BUILD/$file"
    check_objects "$file"
    # Elsewhere there is little to check: what formats does so with GLib.
    [ "$file" != libxsutil.a ] \
        || check "$file: it has _FORTIFY_SOURCE's checks" has "$work/all.o" 'UND __[a-z]+_chk$' -s
done
take_objects xl-lite find "$BUILD/libxl-lite" -name '*.o' -exec cp -t . {} +
check_objects xl-lite
tap_end
