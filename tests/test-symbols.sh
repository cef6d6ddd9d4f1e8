#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the shared libraries export is what the public headers declare, and nothing else; all that
# contract.txt lists is among it.
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

# A format's twin has a v behind the prefix of its floor.
check_contract() {
    listed=$(mktemp) found=$(mktemp)
    grep -v '^#' "$SOURCE/tests/contract.txt" \
        | sed -E 'p; s/^(xsu_batch_|xsu_waits_|xsu_path_|xsu_|xs_)(.*f)$/\1v\2/' | sort -u >"$listed"
    exported "$BUILD/libxsutil.so" | comm -23 "$listed" - >"$found"
    [ ! -s "$found" ] && [ "$(wc -l <"$listed")" -gt 100 ]
    tap $? "libxsutil.so exports all that contract.txt lists" "$found"
    rm -f "$listed" "$found"
}

check_library libxsutil.so xsutil/xsutil.h 'xsu?_'
check_library libxl-lite.so xl-lite/xll.h 'xll_'
check_contract
tap_end
