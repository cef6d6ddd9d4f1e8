#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0: bench-start, then bench-domains and bench-lists with ever more domains,
# which have no memory, and one to three interfaces each.  Each row's JSON follows at the end, in
# lines that begin with "json ".  usage: bench-lab.sh BENCH_AGAINST, as run.py has set it
set -eu
export BENCH_AGAINST="$1"
mkdir -p /tmp
cd /tmp
export BENCH_JSON=/tmp/rows
num=0
for wanted in 1 3 10 30 100 300; do
    lab-domain create $((wanted - num)) "guest-$wanted-" >domids
    # Three for the last one.
    sed '1!G; h; $!d' domids >backwards
    for vifs in 1 2 3; do
        # shellcheck disable=SC2046 # one domid a word
        set -- $(awk -v rest=$((3 - vifs)) '(NR - 1) % 3 == rest' backwards)
        [ $# = 0 ] || lab-domain vifs "$vifs" "$@"
    done
    last=guest-$wanted-$((wanted - num))
    [ "$wanted" -gt 1 ] || bench-start "$last"
    bench-domains "$wanted" "$last"
    bench-lists "$wanted" "$last"
    bench-names "$wanted" "$last"
    num=$wanted
done
sed 's/^/json /' "$BENCH_JSON"
