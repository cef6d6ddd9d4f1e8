#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in the lab's dom0, with memory for 20 guests beside it: what is done to running domains.
# Each row's JSON follows at the end, in lines that begin with "json ".
# usage: bench-lab-act.sh BENCH_AGAINST, as run.py has set it
set -eu
export BENCH_AGAINST="$1"
mkdir -p /tmp
cd /tmp
export BENCH_JSON=/tmp/rows
GUESTS=20

pack_stop() { # the guest's initrd, and behind it what lets it shut down again and again
    rm -rf /tmp/stop
    mkdir -p /tmp/stop/usr/sbin /tmp/stop/modules
    cp "$(command -v guest-stop)" /tmp/stop/usr/sbin/poweroff
    ln -s poweroff /tmp/stop/usr/sbin/reboot
    cp /lab/modules/xen-privcmd.ko /tmp/stop/modules
    {
        cat /lab/guest/initrd
        (cd /tmp/stop && printf '%s\n' usr/sbin/poweroff usr/sbin/reboot modules/xen-privcmd.ko \
            | cpio -o -H newc 2>/dev/null)
    } >/tmp/stop.initrd
}

# With -e xl leaves nobody behind who waits for the guest's end.
lab-guest -p still -e vcpus=2
bench-act "$(xl domid still)"
xl destroy still

# Ours and libxl's by turns: seven that are timed and one that is counted, of each.
each() { # OPTION...: 16 paused guests, made of the same options; their domids
    n=0
    while [ $n -lt 16 ]; do
        n=$((n + 1))
        lab-guest "$@" -p "end$n" -e >&2
        xl domid "end$n"
    done
}
# shellcheck disable=SC2046 # one domid a word
bench-destroy "a guest without devices" 8 $(each)
# shellcheck disable=SC2046
bench-destroy "a guest with a vif and a disk" 35 $(each --vif --disk)

pack_stop
n=0
while [ $n -lt $GUESTS ]; do
    n=$((n + 1))
    lab-guest "g$n" -e 'ramdisk="/tmp/stop.initrd"'
done
domids=
while [ $n -gt 0 ]; do
    lab-guest --wait-only "g$n"
    domids="$domids $(xl domid "g$n")"
    n=$((n - 1))
done
# shellcheck disable=SC2086
bench-shutdown $domids
sed 's/^/json /' "$BENCH_JSON"
