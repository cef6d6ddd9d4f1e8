#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0: bench-domains with ever more domains, which have no memory.  Each row's
# JSON follows at the end, in lines that begin with "json ".
set -eu
mkdir -p /tmp
cd /tmp
export BENCH_JSON=/tmp/rows
num=0
for wanted in 1 3 10 30 100 300; do
    lab-domain create $((wanted - num)) "guest-$wanted-" >/dev/null
    bench-domains "$wanted" "guest-$wanted-$((wanted - num))"
    num=$wanted
done
sed 's/^/json /' "$BENCH_JSON"
