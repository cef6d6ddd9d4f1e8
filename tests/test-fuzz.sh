#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The fuzz targets (tests/fuzz): each corpus is replayed, then each target runs for some seconds.
# Environment: SOURCE, the checkout; FUZZ, the directory of the targets; FUZZ_SECONDS, how long each
# runs, or 1; FUZZ_KEEP, a directory for inputs that reach more, by target.  What a target finds is
# left in FUZZ/found; `$FUZZ/fuzz-NAME FILE` repeats it.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$FUZZ/found
mkdir -p "$found"
# An unterminated "%.4s" is fine, which AddressSanitizer does not know; what was freed is kept for a
# while, of which less is faster; and known leaks are known by their functions, whose names addr2line,
# which is there with any compiler, finds as well as LLVM's own.
export ASAN_OPTIONS="check_printf=0:quarantine_size_mb=16:external_symbolizer_path=$(command -v addr2line)${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
seconds=${FUZZ_SECONDS:-1}

keep=${FUZZ_KEEP:-$work}

# NAME OPTION...: a target on its corpus.
run() {
    name=$1
    shift
    mkdir -p "$keep/$name"
    "$FUZZ/fuzz-$name" -artifact_prefix="$found/$name-" -timeout=20 -malloc_limit_mb=256 -max_len=4096 \
        "$@" >"$work/log" 2>&1
}

# What libFuzzer said last of the word: "cov: 1234".
said() {
    sed -n "s/.*$1: *\([0-9][0-9]*\).*/\1/p" "$work/log" | tail -n 1
}

for corpus in "$SOURCE"/tests/fuzz/corpus/*; do
    name=${corpus##*/}
    run "$name" -runs=0 "$corpus"
    tap $? "$name: $(find "$corpus" -type f | wc -l) inputs replayed, coverage $(said cov)" "$work/log"
    run "$name" -max_total_time="$seconds" -print_final_stats=1 "$keep/$name" "$corpus"
    tap $? "$name: $(said 'stat::number_of_executed_units') executions in $seconds s, coverage $(said cov)" \
        "$work/log"
done
for target in "$SOURCE"/tests/fuzz/fuzz-*.c; do
    name=${target##*/fuzz-}
    [ -d "$SOURCE/tests/fuzz/corpus/${name%.c}" ] || echo "${name%.c} has no corpus"
done >"$work/log"
[ ! -s "$work/log" ]
tap $? "each target has a corpus" "$work/log"
tap_end
