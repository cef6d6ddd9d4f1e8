#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Making domains, run inside dom0: it goes wrong, is called off, loses xenstored or is killed at its steps,
# each EVERYth of them; audit-create.sh takes all.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/create.sh
. "$(dirname "$0")/create.sh"
EVERY=${EVERY:-9}

host before
for kind in pv pvh devices; do
    type=$kind more=''
    [ $kind != devices ] || type=pv more=$DEVICES
    # shellcheck disable=SC2086 # words
    idle --paused name=web type=$type $more
    # All but the writes in the middle of a transaction, of which each is like the last one.
    grep '^[0-9]' create.out | awk '$2 != "write" || last != "write" || $3 ~ /^@/ { print } { last = $2 }' >steps
    xl-lite destroy web
    [ "$(wc -l <steps)" -ge 20 ]
    report $? "making a guest ($kind) has steps" steps
    k=0
    while read -r n step; do
        k=$((k + 1))
        [ $((k % EVERY)) -eq 0 ] || continue
        for how in fail cancel drop; do
            case "$how $step" in "fail hypercall"* | "fail file"* | cancel* | drop*) ;; *) continue ;; esac
            # shellcheck disable=SC2086 # words
            idle --paused "--$how=$n" name=web type=$type $more
            # Who has lost a connection that was not in use has another; who is called off at the end is done.
            if [ $status -eq 0 ] && [ $how != fail ]; then
                echo "# $how at step $n (${step%% =*}): it is made"
                xl-lite destroy "$id"
                status=1
            fi
            host after
            [ $status -eq 1 ] && cmp -s before after
            report $? "$kind, $how at step $n (${step%% =*}): nothing is left" create.err before after
        done
        # shellcheck disable=SC2086 # words
        idle --paused "--kill=$n" name=web type=$type $more
        left=$(lab-domain list)
        by=xl-lite
        [ $((n % 2)) -eq 0 ] || by=xl
        [ -z "$left" ] || $by destroy "$left" >destroy.out 2>&1
        host after
        [ $status -eq 137 ] && cmp -s before after
        report $? "$kind, kill at step $n (${step%% =*}), and $by destroy: nothing is left" create.out destroy.out before after
    done <steps
done

tap_end
