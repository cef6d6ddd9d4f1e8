#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The fuzz targets (tests/fuzz): each corpus is replayed, then each target runs for some seconds.
# Environment: SOURCE, the checkout; FUZZ, the directory of the targets; FUZZ_SECONDS, how long each
# runs.  What a target finds is left in FUZZ/found; `$FUZZ/fuzz-NAME FILE` repeats it.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$FUZZ/found
mkdir -p "$found"
# No string functions are looked at beyond what they may read: an unterminated "%.4s" is fine.
export ASAN_OPTIONS="check_printf=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"

# NAME OPTION...: a target on its corpus; what it finds that is new goes nowhere.
run() {
    name=$1
    shift
    mkdir -p "$work/$name"
    "$FUZZ/fuzz-$name" -artifact_prefix="$found/$name-" -timeout=20 -malloc_limit_mb=256 -max_len=4096 \
        "$@" >"$work/log" 2>&1
}

# What libFuzzer said last of the word: "cov: 1234".
said() {
    sed -n "s/.*$1: *\([0-9][0-9]*\).*/\1/p" "$work/log" | tail -n 1
}

for target in "$FUZZ"/fuzz-*; do
    [ -x "$target" ] && [ ! -d "$target" ] || continue
    case $target in *.o) continue ;; esac
    name=${target##*/fuzz-}
    corpus=$SOURCE/tests/fuzz/corpus/$name
    run "$name" -runs=0 "$corpus"
    tap $? "$name: $(find "$corpus" -type f | wc -l) inputs replayed, coverage $(said cov)" "$work/log"
    run "$name" -max_total_time="${FUZZ_SECONDS:-2}" -print_final_stats=1 "$work/$name" "$corpus"
    tap $? "$name: $(said 'stat::number_of_executed_units') executions in ${FUZZ_SECONDS:-2} s, coverage $(said cov)" \
        "$work/log"
done
[ "$tap_number" -gt 0 ]
tap $? "there are fuzz targets in $FUZZ"
tap_end
