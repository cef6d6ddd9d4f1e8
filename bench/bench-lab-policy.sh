#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0: who owns what libxl and libxl-lite return.
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
bench-policy "$id"
sed 's/^/json /' "$BENCH_JSON"
