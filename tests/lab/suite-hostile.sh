#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that floods xenstore and answers nothing, while commands look at it and act on it: each ends,
# and says what it could not do.  Run inside dom0.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

log=/var/log/xen/console/guest-flood.log
lab-guest --vif -p --init /usr/bin/lab-flood flood || exit 1
id=$(xl domid flood)
xl unpause flood
await has_said flood '^flood: [1-9]'
written() {
    xenstore-read "/local/domain/$id/data/flood"
}
first=$(written)

ends() { # STATUSES SECONDS COMMAND...: it ends in that time with one of these; what fails says why
    statuses=$1
    bound=$2
    shift 2
    began=$(cut -d. -f1 /proc/uptime)
    timeout 120 xl-lite "$@" >lite.out 2>lite.err
    status=$?
    took=$(($(cut -d. -f1 /proc/uptime) - began))
    case " $statuses " in *" $status "*) ;; *) status=99 ;; esac
    { [ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && [ -s lite.err ]; }; } && [ "$took" -le "$bound" ] \
        && ! LC_ALL=C grep -q "$(printf '\033')" lite.out lite.err
    report $? "xl-lite $* beside a flood ends" lite.out lite.err
}

for command in list "list -l" vcpu-list "network-list flood" "domain-show flood" uptime "events --existing --timeout=3"; do
    # shellcheck disable=SC2086 # words
    ends 0 30 $command
done
# Its nodes change between a transaction's beginning and its end: that may be a conflict each time.
ends "0 1" 40 rename "id:$id" flooding
ends "0 1" 40 mem-max "id:$id" 128
ends "0 1" 40 vcpu-set "id:$id" 1
ends "0 1" 40 sysrq "id:$id" h
last=$(written)
[ "$last" -gt "$first" ]
report $? "it wrote all the while: $((last - first)) times"
ends "0 1" 60 shutdown -w --timeout=5 "id:$id"
# Its kernel may have seen the request before the flood went over it: then xl destroys it, as it is made to.
ends "0 1" 60 destroy "id:$id"
[ $status -eq 0 ] || grep -q "there is no domain $id;" lite.err
report $? "it is destroyed, if it has not shut down" lite.err
is_gone() {
    # What dom0's kernel notes of a backend's errors is its own.
    lab-ls | grep -v '^/local/domain/0/error' >nodes
    ! grep -q "/$id/" nodes && ! lab-domain list | grep -qx "$id"
}
await is_gone
report $? "nothing is left of it" nodes
tap_end
