#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0, with memory for 50 guests beside it: making guests, and their devices.
# Each row's JSON follows at the end, in lines that begin with "json ".
# usage: bench-lab-create.sh BENCH_AGAINST, as run.py has set it
set -eu
export BENCH_AGAINST="$1"
mkdir -p /tmp
cd /tmp
export BENCH_JSON=/tmp/rows

config() { # MEMORY VIF DISK: of a guest of the lab's kernel, which is not compressed
    cat <<END
name = "made"
type = "pv"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "$LAB_GUEST_LINE"
memory = $1
vif = [ $2 ]
disk = [ $3 ]
END
}

# So that the modules that backends need are there.
lab-guest -p --vif --disk backends -e
xl-lite destroy backends

dd if=/dev/zero of=/tmp/image bs=1M count=4 2>/dev/null
config 96 '' '' >plain.cfg
config 96 "'mac=00:16:3e:00:00:01'" "'format=raw,vdev=xvda,access=rw,target=/tmp/image'" >devices.cfg
config 80 '' '' >small.cfg # its kernel does not fit in 72
bench-create /tmp/image plain.cfg devices.cfg small.cfg
sed 's/^/json /' "$BENCH_JSON"
