#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-lite supervise, ended and killed at every moment, and started anew: no guest is forgotten, none is
# there twice, and nothing is left of any.  And ten at once.
# shellcheck disable=SC2181,SC2317 # exit statuses and files are looked at together; await calls what it is given
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/supervise.sh
. "$(dirname "$0")/supervise.sh"

idle web

# ---- Ended while it makes one ----

# Its file comes back when it was destroyed, and cannot be made; then making it waits for xenconsoled.
cp /lab/guest/initrd here
begin
xl-lite create -q web.cfg "ramdisk=\"$PWD/here\""
uuid=$(uuid_of web)
rm here
lab-domain shutdown "$(xl-lite domid web)" 1
await said '^web: tried again in 2 s'
kill -STOP "$(pidof xenconsoled)"
cp /lab/guest/initrd here
await said '^web .*: waiting for'
finish
[ $? -eq 0 ] && ! xl-lite domid web >/dev/null 2>&1 && none_left 99999 "$uuid"
report $? "SIGTERM while it makes one: exit status 0, and what was made is undone" sup.out sup.err left
[ -e "/run/xl-lite/$uuid.json" ]
report $? "its note is there"
kill -CONT "$(pidof xenconsoled)"
xl-lite supervise --once >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && grep -q '^web (domain [0-9]*): made anew$' lite.out && [ "$(uuid_of web)" = "$uuid" ] && no_notes
report $? "--once makes it" lite.out lite.err
xl-lite supervise --once >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && [ ! -s lite.out ]
report $? "--once, with nothing to do, does nothing" lite.out lite.err

# ---- Killed ----

# All processes of the supervisor are killed: at once, or so many seconds after it has noted what is to be
# done, which takes about half a second.
note=/run/xl-lite/$uuid.json
is_noted() { # without a pause or a process, so that it is seen at once
    looks=0
    until [ -e "$note" ] || [ $looks -eq 1000000 ]; do
        looks=$((looks + 1))
    done
}
whole=0
for moment in "" 0.0 0.1 0.2 0.3 0.4 0.5; do
    begin
    id=$(xl-lite domid web)
    lab-domain shutdown "$id" 1
    when="at once after"
    [ -z "$moment" ] || { is_noted && sleep "$moment" && when="$moment s after the note of"; }
    # shellcheck disable=SC2046 # process ids
    kill -9 $(pidof xl-lite) 2>/dev/null
    wait
    { ls /run/xl-lite; xl-lite list --no-headers; } >"then$moment" 2>&1
    begin
    made_anew web "$id" && await no_notes && [ "$(xl-lite list --no-headers | grep -c .)" -eq 2 ] \
        && [ "$(uuid_of web)" = "$uuid" ] && [ "$(xenstore-list /libxl | wc -l)" -le 2 ]
    result=$?
    finish
    report $result "SIGKILL $when a reboot: it is made anew" "then$moment" sup.out sup.err
    ! grep -q '\.json$' "then$moment" || whole=$((whole + 1))
done
[ $whole -ge 2 ]
report $? "$whole of these were in the middle of it"

begin
id=$(xl-lite domid web)
lab-domain shutdown "$id" 0
# shellcheck disable=SC2046 # process ids
kill -9 $(pidof xl-lite)
wait
begin
gone() { ! xl-lite domid web; }
await gone && await no_notes && none_left "$id" "$uuid"
report $? "SIGKILL at once after a poweroff: it is destroyed" sup.out sup.err left

# ---- Ten at once ----

: >lite.err
for n in 0 1 2 3 4 5 6 7 8 9; do
    idle "ten$n"
    xl-lite create -q -p "ten$n.cfg" 2>>lite.err
done
xl-lite list --no-headers | awk '/^ten/ { print $2 }' >ids
while read -r id; do
    lab-domain shutdown "$id" 1
done <ids
all() { [ "$(grep -c '^ten[0-9] (domain [0-9]*): made anew$' sup.out)" -eq 10 ]; }
await all && [ "$(xl-lite list --no-headers | grep -c '^ten')" -eq 10 ] && [ "$(wc -l <ids)" -eq 10 ] && no_notes \
    && ! xl-lite list -o id --no-headers | grep -qwFf ids
report $? "ten that reboot at once are made anew" lite.err ids sup.out sup.err
finish
report $? "and it ends" sup.out sup.err
tap_end
