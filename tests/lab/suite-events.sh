#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens to domains and devices: events, and the list that is shown anew.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. /lab/suites/tap.sh

# ---- What is waited for ----

comes() { # TITLE PATTERN: a line of the events
    await grep -E -- "$2" events.out
    report $? "$1" events.out events.err
}

ended() { # TITLE STATUS PID: that process ends by itself, with that exit status
    title=$1 wanted=$2
    await sh -c "! kill -0 $3"
    alive=$?
    [ $alive -eq 0 ] || kill "$3"
    wait "$3"
    [ $? -eq "$wanted" ] && [ $alive -eq 0 ]
    report $? "$title" events.out events.err
}

follow() { # ARGUMENT...: in the background, until it has shown what is there
    xl-lite events --existing "$@" >events.out 2>events.err &
    follower=$!
    await grep -E 'present|"event":"present"' events.out || report 1 "events $* begins" events.out events.err
}

plain() { # FILE: has nothing in it that a terminal would act upon
    ! tr -d '\n\t' <"$1" | grep -q "$(printf '[\001-\037\177]')"
}

# ---- All domains ----

follow
comes "what is there comes first" '^20[0-9-]+T[0-9:]+\.[0-9]{3}Z present            0 Domain-0$'
lab-guest --wait --vif --disk web || exit 1
web=$(xl domid web)
comes "a domain is created" "Z added +$web web\$"
comes "its console" "Z device_added +$web web console 0 state -1 backend"
comes "its interface" "Z device_(added|state) +$web web vif 0 "
comes "its interface is connected" " web vif 0 state ([0-9]+ -> )?4 backend ([0-9]+ -> )?4\$"
comes "so is its disk" " web vbd 51712 state ([0-9]+ -> )?4 backend ([0-9]+ -> )?4\$"
xl rename web www
comes "it is renamed" "Z renamed +$web www was web\$"
state=/local/domain/$web/device/vif/0/state
xenstore-write "$state" "$(printf '4\033[31m\n')"
comes "junk for a state is none" " www vif 0 state 4 -> -1 backend 4\$"
xenstore-write "$state" 4
comes "and a number is one again" " www vif 0 state -1 -> 4 backend 4\$"
xenstore-write "/local/domain/$web/name" "$(printf 'a\033[31m\nc')"
comes "control characters in a name are escaped" 'renamed .* a\\x1b\[31m\\x0ac was www$'
plain events.out
report $? "nothing of it reaches a terminal as it is" events.out
xenstore-write "/local/domain/$web/name" www
xl network-detach www 0
comes "a device is detached" "Z device_removed +$web www vif 0 "
quiet=$(lab-domain create 1 quiet-)
comes "a domain that xenstored was not told of" "Z added +$quiet quiet-1\$"
lab-domain shutdown "$web" 3
comes "a domain crashes" "Z shutdown +$web www crash\$"
comes "and is destroyed for it" "Z gone +$web www\$"
[ "$(grep -c ' added ' events.out)" -eq 2 ] && [ "$(grep -c ' gone ' events.out)" -eq 1 ] && [ ! -s events.err ]
report $? "each is told once" events.out events.err
kill "$follower"
ended "a signal ends it as any program" 143 "$follower"

# ---- Some domains, JSON, an end ----

lab-guest -p --idle --vif db || exit 1
lab-guest -p --idle cache || exit 1
db=$(xl domid db)
follow --json db "id:$(xl domid cache)"
comes "JSON: one object on each line" \
    '^\{"schema":1,"time":"[0-9-]+T[0-9:]+\.[0-9]{3}Z","event":"present","domid":'"$db"',"name":"db"\}$'
comes "JSON: a device" \
    '"event":"device_present","domid":'"$db"',"name":"db","class":"vif","devid":0,"state":1,"backend_state":[0-9]\}$'
xl rename db base
comes "JSON: renamed" '"event":"renamed","domid":'"$db"',"name":"base","old_name":"db"\}$'
xenstore-write "/local/domain/$db/device/vif/0/state" junk
comes "JSON: a state that is none is null" '"event":"device_state".*"state":null,"backend_state":[0-9],"old_state":1,"old_backend_state":[0-9]\}$'
lab-domain create 1 other- >/dev/null
lab-domain shutdown "$db" 0
comes "JSON: shut down" '"event":"shutdown","domid":'"$db"',"name":"base","shutdown_reason":"poweroff","shutdown_code":0\}$'
comes "JSON: gone" '"event":"gone","domid":'"$db"
xl destroy cache
ended "it ends when all domains asked for are gone" 0 "$follower"
! grep -E 'other-|Domain-0' events.out
report $? "and tells of no other" events.out

xl-lite events --existing -n 1 >events.out 2>events.err
[ $? -eq 0 ] && [ "$(wc -l <events.out)" -eq 1 ] && [ ! -s events.err ]
report $? "events -n ends after so many" events.out events.err
xl-lite events --timeout 0.2 >events.out 2>events.err
[ $? -eq 0 ] && [ ! -s events.out ] && [ ! -s events.err ]
report $? "events --timeout ends after so long" events.out events.err
refused 1 "the time is over, and 2 events less" xl-lite events -n 2 --timeout 0.1
refused 1 "nosuch" xl-lite events nosuch
refused 1 "nosuch" xl-lite events 0 nosuch
refused 1 "nosuch" xl-lite list --watch nosuch

(xl-lite events --existing 2>events.err; echo $? >status) | head -n 1 >events.out
await test -s status
[ "$(cat status)" -eq 141 ] && [ ! -s events.err ]
report $? "a reader that goes away ends it at once" status events.err
mkfifo pipe
(trap '' PIPE; xl-lite events --existing >pipe 2>events.err; echo $? >status.ignored) &
head -n 1 <pipe >events.out
await test -s status.ignored
[ "$(cat status.ignored)" -eq 1 ] && grep -q 'cannot write the output: Broken pipe' events.err
report $? "with a message if SIGPIPE is ignored" status.ignored events.err
xl-lite events --existing >/dev/full 2>events.err
[ $? -eq 1 ] && grep -q 'cannot write the output' events.err
report $? "a full disk is an error that is reported" events.err

# A reader that stops reading: what happens meanwhile is looked at when it goes on.
xl-lite events --json 0 >pipe 2>events.err &
follower=$!
exec 4<pipe
n=0
while [ $n -lt 40 ]; do # more than a pipe takes
    n=$((n + 1))
    xenstore-write /local/domain/0/name "$(printf %02000d $n)"
done
xenstore-write /local/domain/0/name Domain-0
(grep -m 1 '"name":"Domain-0"' <&4 >events.out) &
await test -s events.out
report $? "a reader that stops for a while misses nothing in the end" events.err
exec 4<&-
await sh -c "! kill -0 $follower"

# ---- list --watch ----

xl-lite list --watch >watch.out 2>watch.err &
follower=$!
tables() {
    [ "$(grep -c ^Name watch.out)" -ge "$1" ]
}
await tables 1
lab-domain create 30 burst- >burst
await grep -q '^burst-30 ' watch.out
sed '/^$/q' watch.out >first
awk '/^Name/ { n = 0 } { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }' watch.out >last
! grep -q burst first && [ "$(grep -c ^burst- last)" -eq 30 ]
report $? "list --watch shows the list, and again when it changed" watch.out watch.err
[ "$(grep -c ^Name watch.out)" -lt 30 ]
report $? "changes that come together are shown once" watch.out
n=$(grep -c ^Name watch.out)
xenstore-write "/local/domain/$(head -n 1 burst)/name" renamed
await tables $((n + 1))
mask() {
    sed -E 's/ [r-][b-]([p-][s-][^ ][d-]) +[0-9]+\.[0-9]/ **\1 */'
}
xl list | mask >xl.out
awk '/^Name/ { n = 0 } { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }' watch.out | mask >last
cmp -s xl.out last
report $? "what is shown last is what xl shows" xl.out last
plain watch.out
report $? "without a terminal nothing is cleared" watch.out
kill "$follower"
ended "a signal ends it as any program: list" 143 "$follower"

lab-pty 'Time(s)' "$(printf '\003')" -- xl-lite list --watch >watch.out 2>watch.err
grep -q "$(printf '^\033\[H\033\[2J.*Name')" watch.out
report $? "on a terminal each is in place of the one before it" watch.out watch.err

lab-guest -p --idle db || exit 1
xl-lite list --watch --json db >watch.out 2>watch.err &
follower=$!
await grep '"name": "db"' watch.out
xl rename db base
await grep '"name": "base"' watch.out
xl destroy base
ended "list --watch ends when all domains asked for are gone" 0 "$follower"
[ "$(grep -c '"schema": 1' watch.out)" -ge 3 ] && [ "$(grep -c '"domid"' watch.out)" -ge 2 ] \
    && grep -q '"domains": \[' watch.out && [ ! -s watch.err ]
report $? "with --json each is a document of its own" watch.out watch.err

tap_end
