#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0: who owns what libxl and libxl-lite return, by valgrind's counts.
# Each row's JSON follows at the end, in lines that begin with "json ".
# usage: bench-lab-policy.sh BENCH_AGAINST, as run.py has set it
set -eu
export BENCH_AGAINST="$1"
mkdir -p /tmp
cd /tmp
export BENCH_JSON=/tmp/rows
lab-guest --vif -p web
xl-lite unpause web
id=$(xl domid web)
# Valgrind makes hypercalls of the interface's versions that it knows, and fails the others.
if ! valgrind.bin --log-file=/tmp/probe bench-policy "$id" 1 0 0 0 && grep 'version .* not supported' /tmp/probe; then
    echo "bench-policy is left out: this valgrind does not know this hypervisor's interface"
    exit 0
fi
bench-policy "$id"
sed 's/^/json /' "$BENCH_JSON"
