#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shutting domains down and rebooting them, run inside dom0: what guests do, what is left of them,
# and what is said.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

node() { # DOMID
    echo "/local/domain/$1/control/shutdown"
}
holds() { # DOMID VALUE
    [ "$(xenstore-read "$(node "$1")" 2>/dev/null)" = "$2" ]
}
absent() { # DOMID
    ! xenstore-read "$(node "$1")" >/dev/null 2>&1
}
now() { # in hundredths of a second
    cut -d' ' -f1 /proc/uptime | tr -d .
}

# ---- Guests that boot meanwhile ----

# Two of each kind, one of them for xl; what shut down is left as it is.
lab-guest pv-xl 'on_poweroff="preserve"' && lab-guest pv-lite 'on_poweroff="preserve"' \
    && lab-guest --type pvh pvh-lite && lab-guest again || exit 1

# ---- Guests that never answer ----

lab-domain create 16 mute >ids || exit 1
mute() { # N: its domid
    sed -n "$1p" ids
}
m1=$(mute 1)

# says TITLE STATUS PATTERN ARGUMENT...: nothing on stdout; one error or none, and a line of that
# pattern on stderr
says() {
    title=$1
    status=$2
    pattern=$3
    shift 3
    xl-lite "$@" >lite.out 2>lite.err
    [ $? -eq "$status" ] && [ ! -s lite.out ] && grep -q -- "$pattern" lite.err \
        && [ "$(grep -c "^xl-lite: $1: " lite.err)" -eq "$status" ]
    report $? "$title" lite.out lite.err
}

says "shutdown --timeout: a request that nobody acknowledges is withdrawn" 1 \
    "^xl-lite: shutdown: cannot shut down domain $m1 ('mute1'): it did not acknowledge the request within 0.2 s (it is paused); the request is withdrawn$" \
    shutdown --timeout=0.2 mute1
grep -qx "xl-lite: 'mute1': it is paused, and sees the request once it is unpaused" lite.err && holds "$m1" ''
report $? "shutdown --timeout: nothing is asked any more" lite.err
says "reboot --timeout" 1 "cannot reboot domain $m1 ('mute1'): it did not acknowledge .*withdrawn$" reboot --timeout 0.2 mute1
xenstore-write "$(node "$m1")" reboot
says "shutdown of one that was asked to reboot" 1 "'mute1': an earlier request, 'reboot', which it had not acknowledged, is replaced" \
    shutdown --timeout=0.2 mute1

began=$(now)
# shellcheck disable=SC2046 # words
xl-lite shutdown --timeout=1.2 $(cat ids) >lite.out 2>lite.err
[ $? -eq 1 ] && [ ! -s lite.out ] && [ "$(grep -c '^xl-lite: shutdown: .*withdrawn$' lite.err)" -eq 16 ] \
    && [ "$(grep -c '^xl-lite: mute[0-9]*: waiting for its acknowledgement$' lite.err)" -eq 16 ]
report $? "shutdown of 16: each is waited for, and said" lite.out lite.err
[ $(($(now) - began)) -lt 1900 ]
report $? "shutdown of 16, 1.2 s each: all at once, in $(($(now) - began)) hundredths of a second"
xl-lite shutdown --timeout=1.2 nosuch mute1 32000 >lite.out 2>lite.err
[ $? -eq 1 ] && [ ! -s lite.out ] && grep -q "^xl-lite: shutdown: no domain is named 'nosuch'" lite.err \
    && grep -q 'withdrawn$' lite.err && grep -q 'there is no domain 32000' lite.err
report $? "shutdown of several, two of which are none" lite.out lite.err
lab-pty -- xl-lite shutdown --timeout=1.2 mute1 >lite.out 2>&1
tr -d '\n' <lite.out | grep -q "mute1: waiting for its acknowledgement$(printf '\r\033\\[K')xl-lite: shutdown: cannot"
report $? "shutdown on a terminal: the line goes away" lite.out

# ---- What would be done ----

said() { # DOMID NAME WORD LINE...: that dry run
    id=$1
    name=$2
    shift 2
    for line; do
        echo "$name (domain $id): $line"
    done
}
paused='note: it is paused, and sees the request once it is unpaused'
said "$m1" mute1 "write $(node "$m1") = poweroff" "commit the transaction" "$paused" "wait for its acknowledgement" >wanted
xl-lite shutdown --dry-run mute1 >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && [ ! -s lite.err ] && holds "$m1" ''
report $? "shutdown --dry-run" wanted lite.out lite.err
said "$m1" mute1 "write $(node "$m1") = reboot" "commit the transaction" "$paused" "wait for its acknowledgement" \
    "wait for it to go down" "wait for its destruction" >wanted
xl-lite reboot --dry-run -ww "$m1" >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && [ ! -s lite.err ]
report $? "reboot --dry-run -ww" wanted lite.out lite.err
xl-lite shutdown --dry-run -a >lite.out 2>lite.err
sed -n 's/.*(domain \([0-9]*\)): commit.*/\1/p' lite.out >got
lab-domain list >wanted
[ ! -s lite.err ] && cmp -s wanted got
report $? "shutdown -a: all but domain 0" wanted got lite.err
xl-lite shutdown --json --timeout=0.1 mute1 nosuch >lite.json 2>lite.err
[ $? -eq 1 ] && grep -q '"code": "timeout"' lite.json && grep -q '"code": "not_found"' lite.json \
    && grep -q '"it is paused, and sees the request once it is unpaused"' lite.json \
    && [ "$(wc -l <lite.err)" -eq 2 ] && [ "$(grep -c '^{"schema":1,"error":' lite.err)" -eq 2 ]
report $? "shutdown --json" lite.json lite.err

# ---- Interrupted ----

# Each on a domain of its own, all at once; none but the 1st has been asked since it was made.
lab-act shutdown "$m1" 0 1100 >steps 2>lite.err
cat >wanted <<END
1 write $(node "$m1") = poweroff
2 commit the transaction
3 note it is paused, and sees the request once it is unpaused
4 wait its acknowledgement
5 write $(node "$m1") = 
6 commit the transaction
END
cmp -s wanted steps
report $? "its steps" wanted steps lite.err
for n in 1 2 3 4 5 6; do
    xenstore-rm "$(node "$(mute $((n + 2)))")" "$(node "$(mute $((n + 8)))")"
    lab-act --kill=$n shutdown "$(mute $((n + 2)))" 0 1100 >/dev/null 2>&1 &
    lab-act --drop=$n shutdown "$(mute $((n + 8)))" 0 1100 >/dev/null 2>dropped$n &
done
wait
asked=
for n in 1 2 3 4 5 6; do
    id=$(mute $((n + 2)))
    if [ $n -le 2 ]; then absent "$id"; else holds "$id" poweroff && asked="$asked $id"; fi
    report $? "killed before step $n: it is asked, or it is not"
    id=$(mute $((n + 8)))
    if [ $n -le 2 ]; then
        absent "$id" && grep -q 'the connection to xenstored is lost' dropped$n
    else
        holds "$id" '' && grep -q 'the request is withdrawn$' dropped$n
    fi
    report $? "disconnected before step $n: it is not asked, or not any more" dropped$n
done
# shellcheck disable=SC2086 # words
xl-lite shutdown --timeout=0.1 $asked >lite.out 2>lite.err
[ "$(grep -c "an earlier request, 'poweroff', which it had not acknowledged, is replaced" lite.err)" -eq 4 ]
report $? "killed: the next command says what was left" lite.err

# ---- Others are at it, too ----

# Nobody tells that it shut down: it was never introduced to xenstored.
xl-lite shutdown -w mute1 >lite.out 2>lite.err &
await holds "$m1" poweroff && lab-domain shutdown "$m1" 0
wait $!
[ $? -eq 0 ] && [ ! -s lite.out ] && ! grep -q '^xl-lite: shutdown' lite.err
report $? "shutdown -w of one of which xenstored tells nothing" lite.out lite.err
says "shutdown of one that has shut down: said at once, and no failure" 0 "^xl-lite: 'mute1': it has shut down already (it powered off)$" \
    shutdown -w mute1
says "reboot of one that has shut down" 1 "cannot reboot domain $m1 ('mute1'): it has shut down already (it powered off)$" reboot mute1
xl-lite shutdown -w mute2 >lite.out 2>lite.err &
await holds "$(mute 2)" poweroff && lab-domain shutdown "$(mute 2)" 3
wait $!
[ $? -eq 1 ] && [ ! -s lite.out ] && grep -q "cannot shut down domain $(mute 2) ('mute2'): it crashed instead$" lite.err
report $? "shutdown -w of one that crashes" lite.out lite.err

# A guest destroyed by somebody else, of which something is left; and then made anew.
lab-guest -p --idle victim || exit 1
victim=$(xl domid victim)
uuid=$(xl list -v victim | awk 'NR == 2 { print $7 }')
cat >destroy.sh <<'END'
xl-lite shutdown -ww victim >ww.out 2>ww.err &
. /lab/await.sh
asked() {
    [ "$(xenstore-read "/local/domain/$1/control/shutdown")" = poweroff ]
}
await asked "$1"
xl destroy "$1"
wait $!
echo $? >status
xl list >xl.out
lab-guest -p --idle victim "uuid=\"$2\"" || exit 1
xl-lite shutdown --timeout=0.2 "uuid:$2" >anew.out 2>anew.err
END
lab-domain hold "$victim" sh destroy.sh "$victim" "$uuid" >hold.out 2>&1
awk -v id="$victim" '$2 == id && $5 ~ /d$/ { found = 1 } END { exit !found }' xl.out \
    && [ "$(cat status)" -eq 0 ] && [ ! -s ww.out ] && ! grep -q '^xl-lite: shutdown' ww.err \
    && grep -q "^xl-lite: 'victim': it is gone, and was not seen to acknowledge the request$" ww.err
report $? "shutdown -ww of one that somebody else destroys" status xl.out ww.out ww.err hold.out
grep -q "cannot shut down domain $(xl domid victim) ('victim'): .* withdrawn$" anew.err
report $? "shutdown uuid: the living one, beside the dying one" anew.err

# ---- What has not gone ----

victim=$(xl domid victim)
said "$victim" victim "write $(node "$victim") = poweroff" "commit the transaction" "$paused" "wait for its acknowledgement" \
    "wait for it to shut down" "note: if it has not gone after 0.5 s, what follows" >wanted
xl-lite shutdown --force-after=0.5 --dry-run victim >lite.out 2>lite.err
[ $? -eq 0 ] && head -n 6 lite.out | cmp -s wanted - && grep -q 'hypercall XEN_DOMCTL_destroydomain' lite.out && holds "$victim" ''
report $? "shutdown --force-after --dry-run" wanted lite.out lite.err
says "shutdown --force-after: it is destroyed" 0 "^xl-lite: 'victim': it was destroyed, as it had not gone after 0.5 s$" \
    shutdown --force-after=0.5 victim
! xl domid victim >xl.out 2>&1 && ! xenstore-ls "/local/domain/$victim" >lite.out 2>&1 && ! xenstore-ls "/libxl/$victim" >lite.err 2>&1
report $? "shutdown --force-after: nothing is left of it" xl.out lite.out lite.err

# ---- HVM, with and without PV drivers ----

lab-domain create --hvm 2 hvm >hvms || exit 1
h1=$(sed -n 1p hvms)
h2=$(sed -n 2p hvms)
lab-domain drivers "$h2" || exit 1
xl shutdown hvm1 >xl.out 2>xl.err
[ $? -eq 1 ] && [ ! -s xl.out ] && grep -q 'PV control interface not available' xl.err
report $? "xl refuses an HVM guest without drivers" xl.out xl.err
says "shutdown of an HVM guest without drivers" 1 "domain $h1 ('hvm1'): it has no PV drivers that would see the request; -F presses its ACPI power button instead$" \
    shutdown -w hvm1
xl shutdown -F hvm1 >xl.out 2>xl.err && xl-lite shutdown -F hvm1 >lite.out 2>lite.err && [ ! -s lite.out ] && [ ! -s lite.err ] \
    && absent "$h1"
report $? "shutdown -F: its power button is pressed, as by xl" xl.err lite.out lite.err
xl reboot -F hvm1 >xl.out 2>xl.err
[ $? -eq 1 ]
report $? "xl has no reset button, either" xl.out xl.err
says "reboot -F" 1 "cannot reboot domain $h1 ('hvm1'): " reboot -F hvm1
for tool in xl xl-lite; do
    $tool shutdown -F hvm2 >$tool.out 2>$tool.err &
    await holds "$h2" poweroff && xenstore-write "$(node "$h2")" ''
    wait $! && [ ! -s $tool.out ]
    report $? "shutdown of an HVM guest with drivers, by $tool" $tool.out $tool.err
done

# ---- Guests that obey ----

for name in pv-xl pv-lite pvh-lite again; do
    lab-guest --wait-only $name || exit 1
done

state() { # NAME: its row, and what xenstore has of it; but for what tells one guest from another
    id=$(xl domid "$1")
    uuid=$(xl list -v "$1" | awk 'NR == 2 { print $7 }')
    xl list "$1" | awk 'NR == 2 { print $3, $4, $5 }'
    for path in /local/domain/$id /libxl/$id /vm/$uuid /local/domain/0/backend/console/$id; do
        lab-ls -p "$path"
    done | sed -E "s/$uuid/UUID/g; s/$1/NAME/g; s,/$id([/ \"]|\$),/ID\1,g; s/([nrwb])$id([,)])/\1ID\2/g; s/((domid|frontend-id) = )\"$id\"/\1ID/
        s/(ring-ref|start_time|tty) = \"[^\"]*\"/\1/"
}
xl shutdown -w pv-xl >xl.out 2>xl.err && xl-lite shutdown -w pv-lite >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s xl.out lite.out && ! grep -q '^xl-lite: shutdown' lite.err
report $? "shutdown -w of PV guests, by xl and xl-lite" xl.out lite.out lite.err
state pv-xl >wanted
state pv-lite >got
cmp -s wanted got && head -n 1 got | grep -q -- '---s--'
report $? "shutdown: as xl leaves it" wanted got

xl-lite shutdown -ww pvh-lite >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && ! grep -q '^xl-lite: shutdown' lite.err \
    && ! xl list | awk '$1 == "pvh-lite" && $5 !~ /d$/ { found = 1 } END { exit !found }'
report $? "shutdown -ww of a PVH guest: it is gone" lite.out lite.err
id=$(xl domid again)
uuid=$(xl list -v again | awk 'NR == 2 { print $7 }')
xl-lite reboot -w again >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && ! grep -q '^xl-lite: reboot' lite.err
report $? "reboot -w" lite.out lite.err
await xl domid again
# shellcheck disable=SC2317 # called by await
is_anew() {
    [ "$(xl list -v again | awk 'NR == 2 { print $7 }')" = "$uuid" ] && [ "$(xl domid again)" != "$id" ]
}
await is_anew
report $? "reboot: xl's process makes it anew"

tap_end
