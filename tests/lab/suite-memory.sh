#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set and mem-max, run inside dom0: each is done with xl to one guest and with xl-lite to its
# twin, and what it changes is to be alike; and interrupted at each of its steps.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

# Only one of them has to run.
lab-guest web memory=112 maxmem=144 && lab-guest -p --idle twin memory=112 maxmem=144 \
    && lab-guest -p --idle pvh 'type="pvh"' memory=96 maxmem=128 \
    && lab-guest -p --idle pvh-twin 'type="pvh"' memory=96 maxmem=128 || exit 1

for name in web twin pvh pvh-twin; do
    xl domid $name >$name.id
    xl list -v $name | awk 'NR == 2 { print $7 }' >$name.uuid
done
web=$(cat web.id)
pvh=$(cat pvh.id)

limit() { # DOMAIN: what the hypervisor lets it have, in KiB
    xl-lite list --json "$1" | sed -n 's/.*"max_memory_kib": *\([0-9]*\).*/\1/p'
}

has() { # DOMAIN: what it has, in MiB, by xl
    xl list "$1" | awk 'NR == 2 { print $3 }'
}

node() { # DOMID NAME
    xenstore-read "/local/domain/$1/memory/$2"
}

state() { # DOMAIN: what there is of its memory in xenstore, and the limit
    lab-ls -p "/local/domain/$(cat "$1.id")/memory"
    lab-ls -p "/vm/$(cat "$1.uuid")"
    echo "limit = $(limit "$1")"
}

# What COMMAND changes, and how it ends; the domain is called D there, and its UUID U.
changes() { # DOMAIN COMMAND...
    domain=$1
    shift
    state "$domain" >before
    "$@" >out 2>err
    status=$?
    state "$domain" >after
    diff before after | grep '^[-+][^-+]' \
        | sed "s,/domain/$(cat "$domain.id")/,/domain/D/,; s,$(cat "$domain.uuid"),U,; s/r$(cat "$domain.id"))/rD)/"
    echo "status $status"
}

# alike TITLE DOMAIN TWIN COMMAND SIZE: it changes what xl changes of the twin
alike() {
    changes "$3" xl "$4" "$3" "$5" >wanted
    changes "$2" xl-lite "$4" "$2" "$5" >got
    cmp -s wanted got && grep -q '^+' got && [ ! -s err ]
    report $? "$1" wanted got err
}

# ---- As xl does it ----

alike "mem-set of a PVH guest" pvh pvh-twin mem-set 80
alike "mem-set of a PVH guest, up" pvh pvh-twin mem-set 128
alike "mem-max of a PVH guest" pvh pvh-twin mem-max 160
alike "mem-set of a PVH guest, up to that" pvh pvh-twin mem-set 130
lab-guest --wait-only web
alike "mem-set of a PV guest, down" web twin mem-set 100
alike "mem-set in KiB" web twin mem-set 103001k
alike "mem-set up to its maximum" web twin mem-set 144m
alike "mem-set down again, in bytes" web twin mem-set 117440512b
alike "mem-max of a PV guest, down" web twin mem-max 128
alike "mem-max up" web twin mem-max 1g
alike "mem-set up to what is its maximum now" web twin mem-set 150M
alike "mem-max down to its target" web twin mem-max 150

lab-ls -p >before
xl-lite mem-set web 149
lab-ls -p >after
diff before after | grep '^[-+][^-+]' >got
[ "$(grep -c '^+' got)" -eq 2 ] && [ "$(grep -vc "/local/domain/$web/memory/target = \|/vm/$(cat web.uuid)/memory = " got)" -eq 0 ]
report $? "mem-set changes nothing else in xenstore" got

# ---- What it adds ----

sets() { # TITLE WANTED ARGUMENT...: silent, and that is the target and the limit
    title=$1
    wanted=$2
    shift 2
    xl-lite "$@" >lite.out 2>lite.err
    [ $? -eq 0 ] && [ ! -s lite.out ] && [ ! -s lite.err ] && [ "$(node "$web" target) $(limit web)" = "$wanted" ]
    report $? "$title" lite.out lite.err
}

sets "mem-set to more" "113664 114688" mem-set web 111
sets "mem-set of +SIZE" "114688 115712" mem-set web +1m
sets "mem-set of -SIZE" "113664 114688" mem-set web -1024k
sets "mem-set of -SIZE behind --" "112640 113664" mem-set -- web -1
sets "mem-max of +SIZE" "112640 155648" mem-max web +1m
sets "mem-max of -SIZE" "112640 154624" mem-max web -1m
sets "mem-set of several" "113664 114688" mem-set web pvh +1m
[ "$(node "$pvh" target)" -eq $((131 * 1024)) ]
report $? "mem-set of several: the other, too"

sets "mem-set --wait, down" "98304 99328" mem-set --wait web 96
[ "$(has web)" -le 97 ]
report $? "mem-set --wait, down: it is there"
sets "mem-set --wait, up" "147456 148480" mem-set --wait web +48
[ "$(has web)" -ge 143 ]
report $? "mem-set --wait, up: it is there"

refused 1 "^xl-lite: mem-set: domain $pvh ('pvh') has not come to 65536 KiB of memory (it has [0-9]* KiB) in [12].[0-9] s$" \
    xl-lite mem-set --wait --timeout=1 pvh 64
[ "$(node "$pvh" target)" -eq 65536 ]
report $? "mem-set --wait of what does not get there: its target is set"

# ---- Domain 0 ----

dom0() { # COMMAND...: what is written of it where nothing was, and its limit
    xenstore-rm /local/domain/0/memory
    xenstore-rm "$vm/memory"
    "$@" >lite.out 2>lite.err
    status=$?
    lab-ls -p /local/domain/0/memory
    lab-ls -p "$vm" | grep /memory
    limit 0
    xl-lite mem-set --wait 0 1000
    return $status
}
vm=/vm/$(xl list -v 0 | awk 'NR == 2 { print $7 }')
xl-lite mem-set --wait 0 1000
dom0 xl mem-set 0 990 >wanted
dom0 xl-lite mem-set 0 990 >got
[ $? -eq 0 ] && cmp -s wanted got && [ "$(wc -l <got)" -eq 4 ] && [ ! -s lite.err ]
report $? "mem-set of domain 0, whose nodes are missing" wanted got lite.err
xenstore-rm /local/domain/0/memory
xl-lite mem-max 0 1020 >lite.out 2>lite.err
[ $? -eq 0 ] && [ "$(node 0 static-max) $(limit 0)" = "1044480 1045504" ] && [ "$(node 0 target)" -ge 1000000 ]
report $? "mem-max of domain 0, whose nodes are missing" lite.err
refused 1 "mem-set: cannot set the memory of domain 0 ('Domain-0'): 130048 KiB is less than the 131072 KiB that domain 0 needs" \
    xl-lite mem-set 0 127

# ---- Refused, and nothing is touched ----

# Which of them xl does, to the twin, is told.
refuses() { # PATTERN COMMAND SIZE...
    pattern=$1
    command=$2
    size=$3
    xl "$command" twin "$size" >xl.out 2>&1
    xl_status=$?
    timeout 30 xl-lite "$command" web "$size" >lite.out 2>lite.err
    [ $? -ne 0 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -q -- "$pattern" lite.err \
        && state web >after && cmp -s before after
    report $? "$command web '$size' is refused, where xl exits $xl_status: $pattern" lite.err
}

xl-lite mem-set twin 144m
state web >before
refuses "154624 KiB is more than its maximum, 153600 KiB; raise that first (mem-max)" mem-set 151
refuses "146432 KiB is less than its target, 147456 KiB; lower that first (mem-set)" mem-max 143
refuses "'' is not a size" mem-set ""
refuses "'' is not a size" mem-max ""
refuses "'64mb' is not a size" mem-set 64mb
refuses "'0' is less than 1 KiB" mem-set 0
refuses "147456 KiB, of which 153600 KiB cannot be taken away" mem-set -150m
refuses "'18014398509481985k' is more than any domain can have" mem-set 18014398509481985k
refuses "'8796093022209' is more than any domain can have" mem-max 8796093022209
refuses "is more than the hypervisor can count" mem-max 16t
lab-domain create 1 bare >bare.id || exit 1
bare=$(cat bare.id)
refused 1 "domain $bare ('bare1'): it has no memory/target in xenstore, so its memory is not managed" \
    xl-lite mem-set "$bare" 64
xl-lite mem-set nosuch web +1 >lite.out 2>lite.err
[ $? -eq 1 ] && grep -q "no domain is named 'nosuch'" lite.err && [ "$(node "$web" target)" -eq 148480 ]
report $? "mem-set of several, one of which is none: the other is done" lite.err

# ---- What is said ----

id=$pvh
name="pvh (domain $id):"
cat >wanted <<END_OF_STEPS
$name write /local/domain/$pvh/memory/target = 66560
$name write /vm/$(cat pvh.uuid)/memory = 65
$name hypercall XEN_DOMCTL_max_mem 67584 KiB
$name hypercall XENMEM_set_pod_target 16896 pages
$name commit the transaction
$name wait for 66560 KiB of memory (it has $(xl-lite list --json pvh | sed -n 's/.*"memory_kib": *\([0-9]*\).*/\1/p') KiB)
END_OF_STEPS
state pvh >before
xl-lite mem-set --dry-run --wait pvh 65 >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && [ ! -s lite.err ] && state pvh >after && cmp -s before after
report $? "mem-set --dry-run" wanted lite.out lite.err
xl-lite mem-max --json web 160 >lite.json 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && lab-sane lite.json && grep -q '"command": *"mem-max"' lite.json \
    && grep -q '"done": *true' lite.json
report $? "mem-max --json" lite.json lite.err

# ---- Interrupted before each step ----

xenstore-write "/local/domain/$bare/memory/videoram" 0

where() { # DOMID NODE: what it is said to have, and the limit
    echo "$(xenstore-read "/local/domain/$1/memory/$2") $(limit "$1")"
}

# interrupted ACTION DOMID NODE OLD NEW: in KiB
interrupted() {
    action=$1
    domid=$2
    old="$4 $(($4 + 1024))"
    new="$5 $(($5 + 1024))"
    lab-act "$action" "$domid" "$4" >/dev/null
    num=$(lab-act "$action" "$domid" "$5" | wc -l)
    bad=0
    said=0
    n=0
    now=$new
    : >log
    while [ $n -lt "$num" ]; do
        n=$((n + 1))
        for how in kill drop; do
            [ "$now" = "$old" ] || lab-act "$action" "$domid" "$4" >/dev/null || bad=1
            lab-act --$how=$n "$action" "$domid" "$5" >lite.out 2>lite.err
            status=$?
            now=$(where "$domid" "$3")
            echo "$how before step $n: exit status $status, $now; $(cat lite.err)" >>log
            case $how,$status,$now in
            kill,*,"$old" | kill,*,"$new" | drop,1,"$old" | drop,0,"$new") ;;
            kill,*) # half done: the next to look says so
                said=$((said + 1))
                xl-lite mem-set --dry-run "$domid" +0 >lite.out 2>&1
                grep -q "note: the hypervisor's limit was .* a change was cut short" lite.out || bad=1 ;;
            *) bad=1 ;;
            esac
        done
    done
    [ $bad -eq 0 ] && [ "$num" -ge 3 ]
    report $? "$action $5 of $domid, interrupted before each of its $num steps: $said times half done, and that is said" log
}

xl-lite mem-max "$bare" 64 2>/dev/null
xenstore-write "/local/domain/$bare/memory/target" 65536 "/local/domain/$bare/memory/static-max" 131072
lab-act mem-set "$bare" 65536 >/dev/null
interrupted mem-set "$bare" target 98304 65536
interrupted mem-max "$bare" static-max 196608 131072
interrupted mem-set "$pvh" target 65536 98304

tap_end
