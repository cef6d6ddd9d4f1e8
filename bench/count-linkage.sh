#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What hiding the internals saves: each shared library as it is built, and linked once more from
# objects compiled with default visibility and without the version script.
# usage: count-linkage.sh LIBRARY OPEN-LIBRARY ...
set -eu

symbols() { nm -D --defined-only "$1" | wc -l; }
relocations() { readelf -rW "$1" | grep -c ' R_'; }
# Calls and addresses that go through the GOT: with -fno-plt, calls are GLOB_DAT entries too.
got() { readelf -rW "$1" | grep -cE 'GLOB_DAT|JUMP_SLO'; }
text() { size "$1" | awk 'NR == 2 { print $1 }'; }

printf '\nWhat does hiding the internals save?\n\n'
printf '%-28s %10s %12s %12s %10s\n' "" "exported" "relocations" "PLT and GOT" "text"
while [ $# -gt 1 ]; do
    for library in "$1" "$2"; do
        case $library in *open*) kind="all visible" ;; *) kind="as built" ;; esac
        name=$(basename "$library" | sed 's/-open//; s/\.so.*//')
        printf '%-28s %10s %12s %12s %10s\n' "$name, $kind" "$(symbols "$library")" \
            "$(relocations "$library")" "$(got "$library")" "$(text "$library")"
        # A row for run.py
        [ -z "${BENCH_JSON:-}" ] || printf 'json {"question": "What does hiding the internals save?", "name": "%s, %s", "n": 1, "exported": %s, "relocations": %s, "got": %s, "text": %s}\n' \
            "$name" "$kind" "$(symbols "$library")" "$(relocations "$library")" \
            "$(got "$library")" "$(text "$library")"
    done
    shift 2
done
