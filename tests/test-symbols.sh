#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the shared libraries export is what the public headers declare, and nothing else.
# Environment: BUILD, the directory of the libraries, and SOURCE, the checkout.
# shellcheck disable=SC2046 # flags are words
set -u
number=0
status=0

# Functions that a header itself declares, whatever it includes.
declared() {
    "${CC:-cc}" -E -I"$BUILD/include" $(pkg-config --cflags glib-2.0) "$1" \
        | awk -v header="$1" '/^# [0-9]+ "/ { ours = index($3, header) > 0; next } ours' \
        | grep -oE "\b($2)[a-z0-9_]+ ?\(" | tr -d ' (' | sort -u
}

exported() {
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort -u
}

report() {
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        echo "$2" | sed 's/^/# /'
        status=1
    fi
}

check_library() {
    header=$(mktemp) library=$(mktemp)
    declared "$BUILD/include/$2" "$3" >"$header"
    exported "$BUILD/$1" >"$library"
    report "$1 exports nothing that $2 does not declare" "$(comm -13 "$header" "$library")"
    report "$1 exports all that $2 declares" "$(comm -23 "$header" "$library")"
    report "$1 exports something" "$([ -s "$library" ] || echo "an empty list")"
    rm -f "$header" "$library"
}

check_library libxsutil.so xsutil/xsutil.h 'xsu?_'
check_library libxl-lite.so xl-lite/xll.h 'xll_'
echo "1..$number"
exit $status
