#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xenstored is replaced by a new one, which takes over what the old one held, while guests are looked
# after; and it stands still for a while.  Run inside dom0.
# shellcheck disable=SC2181,SC2317 # exit statuses and files are looked at together; await calls what it is given
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/supervise.sh
. "$(dirname "$0")/supervise.sh"

daemon=$(readlink "/proc/$(pidof xenstored oxenstored)/exe")

update() { # its log, or its reply, is in the file `update`
    timeout 60 xenstore-control live-update -F -t 5 "$daemon" >update 2>&1
}

guest web pv
idle other 'on_crash="preserve"'
begin
xl-lite create -q web.cfg && xl-lite create -q other.cfg
lab-guest --wait-only web
rm -f /var/log/xen/console/guest-web.log
uuid=$(uuid_of web)
old=$(xl-lite domid web)
other=$(xl-lite domid other)

update && [ "$(xl-lite domid web)" = "$old" ]
report $? "${daemon##*/} is replaced, and has what it had" update
lab-domain shutdown "$old" 1
made_anew web "$old" && [ "$(uuid_of web)" = "$uuid" ]
report $? "a guest that reboots then is made anew" sup.out sup.err
lab-guest --wait-only web
report $? "and boots"

# What happens while nobody answers is found when somebody does.
old=$(xl-lite domid web)
kill -STOP "$(pidof xenstored oxenstored)"
lab-domain shutdown "$old" 1
lab-domain shutdown "$other" 3
kill -CONT "$(pidof xenstored oxenstored)"
update
report $? "it is replaced while guests reboot and crash" update
made_anew web "$old" && [ "$(uuid_of web)" = "$uuid" ]
report $? "who rebooted meanwhile is made anew" sup.out sup.err
await said "^other (domain $other): shut down (crash), and is left as it is"
report $? "who crashed meanwhile is left, as its configuration says" sup.out sup.err
xl-lite destroy web other && await no_notes
finish
report $? "and it ends" sup.out sup.err
tap_end
