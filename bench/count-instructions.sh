#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# User-space instructions of one read, by callgrind: of xs_readf, and of asprintf + xs_read + free.
# usage: count-instructions.sh BENCH-READ
set -eu
bench=$1
reads=1000

# Everything in the function named, and below it.
per_read() {
    out=$(mktemp)
    valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect="$2" \
        "$bench" count "$1" "$reads" >/dev/null 2>&1
    callgrind_annotate --inclusive=yes --threshold=100 "$out" | tr -d , | awk -v reads="$reads" '
        /PROGRAM TOTALS/ { total = $1 }
        END { if (!total) exit 1; printf "%.0f\n", total / reads }'
    rm -f "$out"
}

if [ "${2:-}" != inside ]; then
    exec "$bench" serve "$0" "$bench" inside
fi
ours=$(per_read readf read_by_readf)
hand=$(per_read hand read_by_hand)
question="Instructions of one read, in user space"
printf '\n%s (callgrind, %s reads)\n' "$question" "$reads"
printf '%s\n' "  against ${BENCH_AGAINST:-an unknown libxenstore}" ""
printf '%-44s %s\n' "xs_readf, gc included" "$ours" "asprintf + xs_read + free + free" "$hand"
awk -v a="$ours" -v b="$hand" 'BEGIN { printf "%-44s %.2f\n", "  ratio", a / b }'
# A row for run.py
[ -z "${BENCH_JSON:-}" ] || printf 'json {"question": "%s", "name": "xs_readf, gc included", "unit": "instructions", "n": %s, "value": %s, "peer": {"name": "asprintf + xs_read + free + free", "value": %s}}\n' "$question" "$reads" "$ours" "$hand"
