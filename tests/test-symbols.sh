#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the shared libraries export is what the public headers declare, and nothing else.
# Environment: BUILD, the directory of the libraries, and SOURCE, the checkout.
# shellcheck disable=SC2046 # flags are words
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"

# Functions that a header, and those beside it that it includes, declare.
declared() {
    "${CC:-cc}" -E -I"$BUILD/include" $(pkg-config --cflags glib-2.0) "$1" \
        | awk -v beside="${1%/*}/" '/^# [0-9]+ "/ { ours = index($3, beside) > 0; next } ours' \
        | grep -oE "\b($2)[a-z0-9_]+ ?\(" | tr -d ' (' | sort -u
}

exported() {
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort -u
}

check_library() {
    header=$(mktemp) library=$(mktemp) found=$(mktemp)
    declared "$BUILD/include/$2" "$3" >"$header"
    exported "$BUILD/$1" >"$library"
    comm -13 "$header" "$library" >"$found"
    [ ! -s "$found" ]
    tap $? "$1 exports nothing that $2 does not declare" "$found"
    comm -23 "$header" "$library" >"$found"
    [ ! -s "$found" ]
    tap $? "$1 exports all that $2 declares" "$found"
    [ -s "$library" ]
    tap $? "$1 exports something"
    rm -f "$header" "$library" "$found"
}

check_library libxsutil.so xsutil/xsutil.h 'xsu?_'
check_library libxl-lite.so xl-lite/xll.h 'xll_'
tap_end
