#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-lite supervise and create --wait, run inside dom0: guests that power off, reboot and crash, by
# themselves, once and again and again; those that are others'; and what is said.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/supervise.sh
. "$(dirname "$0")/supervise.sh"

# ---- Who is not supervised ----

guest web pv
xl-lite create -q -p web.cfg >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ "$(grep -vc ': waiting for ' lite.err)" -eq 1 ] \
    && grep -q "^xl-lite: 'web': no supervisor runs: until .xl-lite supervise. is started, it is neither" lite.err
report $? "create says that no supervisor runs" lite.out lite.err
xl-lite destroy web
xl-lite create -q --json web.cfg >lite.out 2>lite.err
[ $? -eq 0 ] && nothing_in lite.err && grep -q '"no supervisor runs: until' lite.out
report $? "create --json notes it" lite.out lite.err
xl-lite destroy web
xl-lite create -q -p web.cfg 'on_poweroff="preserve"' 'on_reboot="preserve"' 'on_watchdog="preserve"' \
    'on_crash="preserve"' >lite.out 2>lite.err
[ $? -eq 0 ] && nothing_in lite.err
report $? "of a guest that is for none it says nothing" lite.err
xl-lite destroy web

# ---- Beginning ----

begin
report $? "supervise begins" sup.out sup.err
refused 1 "supervise: process $sup supervises this host already" xl-lite supervise
refused 1 "supervise: process $sup supervises this host already" xl-lite supervise --once
xl-lite create -q web.cfg >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && nothing_in lite.err
report $? "create says nothing while one runs, but that something takes its time" lite.err
lab-guest xls 'on_poweroff="preserve"' 'on_crash="preserve"'

# ---- One that reboots, crashes and powers off ----

uuid=$(uuid_of web)
first=$(xl-lite domid web)
lab-guest --wait-only web
rm -f /var/log/xen/console/guest-web.log
xl-lite reboot web
made_anew web "$first"
[ $? -eq 0 ] && [ "$(uuid_of web)" = "$uuid" ] && ! lab-domain list | grep -qx "$first"
report $? "a guest that reboots is made anew, with the same UUID" sup.out sup.err
grep -q "^web (domain $first): shut down (reboot).* will be made anew" sup.out && await said "web (domain [0-9]*): made anew"
report $? "and it is said" sup.out
xl list -l web >xl.out 2>xl.err && grep -q '"type": "pv"' xl.out
report $? "xl knows it" xl.out xl.err
lab-guest --wait-only web
report $? "it boots again"

second=$(xl-lite domid web)
xl-lite sysrq web c
made_anew web "$second" && said "^web (domain $second): shut down (crash).* and will be made anew"
report $? "a guest that crashes is made anew" sup.out sup.err
rm -f /var/log/xen/console/guest-web.log
third=$(xl-lite domid web)
lab-domain shutdown "$third" 4
made_anew web "$third" && said "^web (domain $third): shut down (watchdog).* and will be made anew"
report $? "so is one whose watchdog ends it" sup.out sup.err
lab-guest --wait-only web
fourth=$(xl-lite domid web)
xl-lite shutdown -ww web && await said "web (domain $fourth): destroyed" && none_left "$fourth" "$uuid"
report $? "one that powers off is destroyed, with all that there was of it" sup.out sup.err left
await no_notes
report $? "and no note of it is left"

# ---- PVH ----

guest pvh pvh
xl-lite create -q pvh.cfg && await has_said pvh "lab guest is up"
old=$(xl-lite domid pvh)
xl-lite reboot pvh
made_anew pvh "$old"
report $? "a PVH guest that reboots is made anew" sup.out sup.err
xl-lite destroy pvh

# ---- With devices ----

lab-guest -p --idle --vif --disk warm && xl destroy warm # from then on the backends' modules are there
dd if=/dev/zero of=/run/disk bs=1M count=4 2>/dev/null
guest dev pv 'vif=["mac=00:16:3e:00:03:01"]' 'disk=["/run/disk,raw,xvda,w"]'
connected() { # both devices of the domain that has the name now
    id=$(xl-lite domid dev) && [ "$(xenstore-read "/local/domain/0/backend/vif/$id/0/state")" = 4 ] \
        && [ "$(xenstore-read "/local/domain/0/backend/vbd/$id/51712/state")" = 4 ]
}
xl-lite create -q dev.cfg && await connected
report $? "a guest with an interface and a disk is connected"
old=$(xl-lite domid dev)
dev_uuid=$(uuid_of dev)
xl-lite reboot dev
made_anew dev "$old" && await connected && [ "$(xenstore-list /local/domain/0/backend/vif)" = "$(xl-lite domid dev)" ] \
    && [ "$(losetup -a | grep -c /run/disk)" -eq 1 ]
report $? "when it reboots it is made anew with both, and the old ones are gone" sup.out sup.err
old=$(xl-lite domid dev)
xl-lite shutdown -ww dev && await said "dev (domain $old): destroyed" && none_left "$old" "$dev_uuid" && [ -z "$(losetup -a)" ]
report $? "when it powers off they go with it" sup.out sup.err left

# ---- Those that are to be left ----

idle kept 'on_crash="preserve"'
xl-lite create -q kept.cfg
id=$(xl-lite domid kept)
lab-domain shutdown "$id" 3
await said "kept (domain $id): shut down (crash), and is left as it is" && xl list kept | grep -q -- '-sc-'
report $? "preserve" sup.out
lab-domain shutdown "$(xl-lite domid xls)" 0
idle other
xl-lite create -q -p other.cfg
lab-domain shutdown "$(xl-lite domid other)" 0
await said "^other .*: destroyed" && ! grep -q xls sup.out && xl-lite domid xls >/dev/null
report $? "a guest of xl's is left alone" sup.out sup.err
xl-lite destroy xls kept

# ---- rename-restart ----

idle beside 'on_crash="rename-restart"'
xl-lite create -q beside.cfg
id=$(xl-lite domid beside)
lab-domain shutdown "$id" 3
await said "^beside (domain [0-9]*): made anew" && xl-lite list --no-headers "$id" | grep -q '^beside-20[0-9]*T[0-9]*Z ' \
    && [ "$(xl-lite domid beside)" -gt "$id" ] && [ "$(uuid_of beside)" != "$(uuid_of "$id")" ]
report $? "rename-restart keeps the old one, and makes one beside it" sup.out sup.err
finish && begin && [ "$(xl-lite list --no-headers | grep -c '^beside')" -eq 2 ]
report $? "a new supervisor leaves the kept one alone" sup.out sup.err
xl-lite destroy "$id" beside
await no_notes
report $? "its note goes with it" sup.out

# ---- One that crashes again and again ----

guest loop pv "extra=\"$LAB_GUEST_LINE rdinit=/nosuch\""
idle steady
xl-lite create -q steady.cfg
xl-lite create -q loop.cfg
await said '^loop .*shut down (crash) soon.* in 1 s'
report $? "one that crashes at once is made anew after 1 s" sup.out sup.err
old=$(xl-lite domid steady)
lab-domain shutdown "$old" 1
await said '^loop .*shut down (crash) soon.* in 2 s'
report $? "and then after 2 s" sup.out sup.err
await said '^loop .*shut down (crash) soon.* in 4 s' && xl-lite destroy loop && await said '^loop .*destroyed by others'
report $? "destroying it meanwhile ends that" sup.out sup.err
made_anew steady "$old"
report $? "others are not held up" sup.out
xl-lite destroy steady

# ---- One that cannot be made anew ----

idle lost
cp /lab/guest/initrd here
xl-lite create -q lost.cfg "ramdisk=\"$PWD/here\""
id=$(xl-lite domid lost)
rm here
lab-domain shutdown "$id" 1
await grep -q "^xl-lite: supervise: 'lost' is not made anew: .*$PWD/here" sup.err && await said '^lost: tried again in 2 s' \
    && ls /run/xl-lite/*.json >/dev/null
report $? "one whose file is gone is tried again, and the file named" sup.out sup.err
refused 1 "supervise: 'web' is no guest that is to be made anew" xl-lite supervise --forget web
await xl-lite supervise --forget lost # it may be tried right now
no_notes
report $? "--forget ends that"

# ---- One that is waited for ----

idle wait
xl-lite create -q --wait wait.cfg >wait.out 2>wait.err &
waiter=$!
made_anew wait 0
old=$(xl-lite domid wait)
kill -STOP $waiter # else it may be done before supervise looks
lab-domain shutdown "$old" 1
await said "left to process $waiter"
report $? "supervise leaves a guest that create --wait waits for" sup.out
kill -CONT $waiter
made_anew wait "$old"
report $? "create --wait makes it anew" wait.out wait.err
lab-domain shutdown "$(xl-lite domid wait)" 0
wait $waiter
[ $? -eq 0 ] && ! xl-lite domid wait >/dev/null 2>&1
report $? "it ends once it is gone for good" wait.out wait.err
xl-lite create -q --wait wait.cfg >wait.out 2>wait.err &
waiter=$!
takes_signals() { # before that, one ends it without more
    ls -l "/proc/$waiter/fd" >files && grep -q signalfd files
}
await takes_signals
old=$(xl-lite domid wait)
kill $waiter
wait $waiter
xl-lite domid wait >/dev/null && lab-domain shutdown "$old" 1 && made_anew wait "$old"
report $? "one that is ended leaves it running, to supervise" wait.out wait.err sup.out
xl-lite destroy wait

finish
report $? "SIGTERM ends it: exit status 0, and told" sup.out sup.err
tap_end
