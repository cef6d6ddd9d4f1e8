#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xsutil inside a guest, over /dev/xen/xenbus: the tests of lab-inside, which is a guest's init.
set -u
# shellcheck source=tests/lab/tap.sh
. /lab/suites/tap.sh

log=/var/log/xen/console/guest-inside.log

# ---- What the guest is to find ----

lab-guest -p --init /usr/bin/lab-inside inside || exit 1
id=$(xl domid inside)
home=/local/domain/$id
length=2048 # oxenstored's limit
if [ "$LAB_DAEMON" = xenstored ]; then
    length=$((4096 - $(printf '/lab-public.' | wc -c))) # what a message to the daemon's socket holds
fi
xenstore-write /lab-public "$(head -c "$length" /dev/zero | tr '\0' v)" /lab-public/child v \
    /lab-secret v /lab-secret/child v
for path in /lab-public /lab-public/child; do
    xenstore-chmod "$path" n0 "r$id"
done
for path in /lab-secret/child /lab-secret; do
    xenstore-chmod "$path" n0
done
xenstore-write "$home/data/lab/daemon" "$LAB_DAEMON" "$home/data/lab/secret" /lab-secret \
    "$home/data/lab/long" /lab-public "$home/data/lab/length" "$length"
# 1,000 may be its own, on both daemons.
# shellcheck disable=SC2046 # words
xenstore-write $(seq 1 920 | sed "s|.*|$home/data/lab/many/& v|")

# ---- What it says ----

xl unpause inside
limit_s=$(($(date +%s) + 600))
until grep -qs '^inside: ended with' "$log" || [ "$(date +%s)" -ge $limit_s ]; do
    if limit=$(xenstore-read "$home/data/lab/limit" 2>/dev/null); then
        xenstore-control quota set node-size "$limit" >/dev/null
        xenstore-rm "$home/data/lab/limit"
    fi
    moment
done
tr -d '\r' <"$log" >said
grep -E '^(not )?ok [0-9]+ ' said >results
while read -r line; do
    case $line in ok*) result=0 ;; *) result=1 ;; esac
    report $result "${line##* }"
done <results
grep -q '^inside: ended with 0$' said && grep -qx "1..$(wc -l <results)" said
report $? "the guest ran all of its tests, and they are well" said
grep -E '^# [a-z]+: [0-9]+' said

xenstore-rm /lab-public /lab-secret
tap_end
