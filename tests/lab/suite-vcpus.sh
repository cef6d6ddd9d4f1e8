#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# vcpu-set and vcpu-pin, run inside dom0: each is done with xl to one guest and with xl-lite to its
# twin, and what it changes is to be alike; and interrupted at each of its steps.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

# Only one of them has to run; the host has two CPUs.
lab-guest --shell web vcpus=2 && lab-guest -p --idle twin vcpus=2 \
    && lab-guest -p --idle pvh 'type="pvh"' vcpus=4 && lab-guest -p --idle pvh-twin 'type="pvh"' vcpus=4 || exit 1
web=$(xl domid web)
pvh=$(xl domid pvh)

available() { # DOMID: "1100"
    xenstore-ls "/local/domain/$1/cpu" | sed -n 's/.*availability = "online".*/1/p; s/.*availability = "offline".*/0/p' \
        | tr -d '\n'
}

pins() { # DOMAIN: its vcpus' affinities, by xl
    xl vcpu-list "$1" | awk 'NR > 1 { print $3, $(NF - 2), $(NF - 1), $NF }'
}

# ---- vcpu-pin, as xl does it ----

pin_both() { # [-f|-i] ARGUMENT...: what follows the domain, before which xl has its options
    case $1 in
    -[fi]) option=$1; shift ;;
    *) option='' ;;
    esac
    xl vcpu-pin ${option:+"$option"} twin "$@" >xl.out 2>xl.err
    xl_status=$?
    xl-lite vcpu-pin ${option:+"$option"} web "$@" >lite.out 2>lite.err
    lite_status=$?
    pins twin >wanted
    pins web >got
}

# pinned_alike WANTED ARGUMENT...: a vcpu and its affinities, which both have afterwards
pinned_alike() {
    row=$1
    shift
    pin_both "$@"
    [ $xl_status -eq 0 ] && [ $lite_status -eq 0 ] && cmp -s wanted got && grep -qx "$row" got \
        && [ ! -s lite.out ] && [ ! -s lite.err ]
    report $? "vcpu-pin web $*" wanted got xl.err lite.err
}

pinned_alike "0 1 / all" 0 1
pinned_alike "1 all / 0" 1 - 0
pinned_alike "1 0 / all" all 0 0-1
pinned_alike "0 all / 1" 0 all,^1,1 nodes:0,^0
pinned_alike "1 1 / all" 1 ^0,node:0,^0 all
pinned_alike "0 0 / all" -f 0 0-0 nodes:all
pinned_alike "1 all / all" -i all all all

pin_both 0 0 1
[ $lite_status -eq 0 ] && cmp -s wanted got && grep -qx "0 0 / 1" got && [ "$(wc -l <lite.err)" -eq 1 ] \
    && grep -q "^xl-lite: 'web': vcpu 0 cannot run on any CPU of its soft affinity: its hard affinity alone counts$" lite.err \
    && grep -q "vcpu 0 are unreachable" xl.err
report $? "vcpu-pin: a soft affinity that is out of reach is said, as by xl" wanted got xl.err lite.err

# ---- vcpu-pin: what it adds, and what is refused ----

xl-lite vcpu-pin --also=twin --also="$pvh" web all all all >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ ! -s lite.err ] && pins twin >wanted && pins web >got && cmp -s wanted got \
    && [ "$(pins pvh | grep -c 'all / all')" -eq 4 ]
report $? "vcpu-pin --also: several domains" wanted got lite.err

# Which of them xl does, to the twin, is told.
pins web >before
not_pinned() { # PATTERN ARGUMENT...
    pattern=$1
    shift
    pin_both "$@"
    [ $lite_status -ne 0 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -q -- "$pattern" lite.err \
        && cmp -s before got
    report $? "vcpu-pin web $* is refused, where xl exits $xl_status: $pattern" lite.err got
    xl vcpu-pin twin all all all
}
not_pinned "vcpu-pin: 'web': there is no CPU 2: they are 0 to 1" all 1-7
not_pinned "there is no CPU 2: they are 0 to 1" 0 - 2
not_pinned "there is no NUMA node 1: they are 0 to 0" 0 nodes:1
not_pinned "'\^0' leaves no CPU" 0 1 ^0
not_pinned "domain $web ('web'): it has no vcpu 2: they are 0 to 1" 2 0
not_pinned "'1x' is not a vcpu" 1x 0
not_pinned "'\^all' is not CPUs" 0 ^all
not_pinned "neither affinity is to be set" 0 - -
not_pinned "--force is for one vcpu at a time" -f all 0

# shellcheck disable=SC2059 # it is one
printf "web (domain $web): hypercall XEN_DOMCTL_setvcpuaffinity vcpu %s, hard 1, soft 0-1\n" 0 1 >wanted
xl-lite vcpu-pin --dry-run web all 1 all >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && [ ! -s lite.err ] && pins web >got && cmp -s before got
report $? "vcpu-pin --dry-run" wanted lite.out lite.err

# ---- vcpu-set, as xl does it ----

# What COMMAND changes in xenstore, and how it ends; the domain is called D there.
changes() { # DOMAIN COMMAND...
    id=$(xl domid "$1")
    shift
    lab-ls -p >before
    "$@" >out 2>err
    status=$?
    lab-ls -p >after
    diff before after | grep '^[-+][^-+]' | sed "s,/domain/$id/,/domain/D/,; s/r$id)/rD)/"
    echo "status $status"
}

# set_alike TITLE DOMAIN TWIN NUMBER [-i]: it changes what xl's changes of the twin
set_alike() {
    title=$1
    changes "$3" xl vcpu-set ${5:+"$5"} "$3" "$4" >wanted
    changes "$2" xl-lite vcpu-set ${5:+"$5"} "$2" "$4" >got
    cmp -s wanted got && grep -q '^+' got && [ ! -s err ]
    report $? "$title" wanted got err
}

lab-guest --wait-only web
set_alike "vcpu-set of a PV guest, down" web twin 1
set_alike "vcpu-set up" web twin 2
set_alike "vcpu-set of a PVH guest" pvh pvh-twin 2
set_alike "vcpu-set --ignore-host" pvh pvh-twin 3 -i

# ---- vcpu-set: what it adds ----

xl-lite vcpu-set --wait --timeout=30 web 1 >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ "$(xl list web | awk 'NR == 2 { print $4 }')" -eq 1 ]
report $? "vcpu-set --wait: it is off" lite.out lite.err
refused 1 "^xl-lite: vcpu-set: domain $web ('web') has not come to 2 vcpus online (it has 1) in 0.[0-9] s$" \
    xl-lite vcpu-set --wait --timeout=0.5 web 2
[ "$(available "$web")" = 11 ]
report $? "vcpu-set --wait of a guest without udev: it was told"
xl-lite vcpu-set --wait web 2 >lite.out 2>lite.err &
waiter=$!
lab-guest --run "$web" 'echo 1 >/sys/devices/system/cpu/cpu1/online' && wait $waiter \
    && [ "$(xl list web | awk 'NR == 2 { print $4 }')" -eq 2 ]
report $? "vcpu-set --wait: it is on" lite.out lite.err
xl-lite vcpu-set web "$pvh" 1 >lite.out 2>lite.err
[ $? -eq 0 ] && [ "$(available "$web") $(available "$pvh")" = "10 1000" ]
report $? "vcpu-set of several" lite.out lite.err

# ---- vcpu-set: what is refused ----

not_set() { # PATTERN ARGUMENT...
    pattern=$1
    shift
    xl vcpu-set pvh-twin "$@" >xl.out 2>&1
    xl_status=$?
    available "$pvh" >before
    xl-lite vcpu-set pvh "$@" >lite.out 2>lite.err
    [ $? -ne 0 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -q -- "$pattern" lite.err \
        && available "$pvh" >after && cmp -s before after
    report $? "vcpu-set pvh $* is refused, where xl exits $xl_status: $pattern" lite.err xl.out
}
not_set "domain $pvh ('pvh'): it can have 4 at the most" 5
not_set "3 are more than this host has CPUs, which is 2" 3
not_set "'0' is not a number of vcpus" 0
not_set "'2x' is not a number of vcpus" 2x
not_set "'' is not a number of vcpus" ""
xenstore-write "/libxl/$pvh/type" hvm "/libxl/$(xl domid pvh-twin)/type" hvm
not_set "it is an HVM guest, whose device model has to plug them, too, and is asked over QMP: use .xl vcpu-set" 2
xenstore-write "/libxl/$pvh/type" pvh

# ---- Interrupted before each step ----

# interrupted ACTION OLD NEW LOOK OLD-LOOK NEW-LOOK: of the PVH guest
interrupted() {
    lab-act "$1" "$pvh" "$2" >/dev/null
    num=$(lab-act "$1" "$pvh" "$3" | wc -l)
    bad=0
    n=0
    : >log
    while [ $n -lt "$num" ]; do
        n=$((n + 1))
        for how in kill drop; do
            lab-act "$1" "$pvh" "$2" >/dev/null || bad=1
            lab-act --$how=$n "$1" "$pvh" "$3" >lite.out 2>lite.err
            status=$?
            now=$($4)
            echo "$how before step $n: exit status $status, $now; $(cat lite.err)" >>log
            case $how,$status in
            kill,137) echo "$now" | grep -qxE "$5" || bad=1 ;;
            drop,0) [ "$now" = "$6" ] || bad=1 ;;
            drop,1) echo "$now" | grep -qxE "$5" || bad=1 ;;
            *) bad=1 ;;
            esac
        done
    done
    [ $bad -eq 0 ] && [ "$num" -ge 4 ]
    report $? "$1 interrupted before each of its $num steps: $5, or $6" log
}

pvh_available() {
    available "$pvh"
}
pvh_hard() { # the hard affinities of all vcpus
    pins pvh | awk '{ printf "%s%s", (NR > 1 ? " " : ""), $2 }'
}
interrupted vcpu-set 1 2 pvh_available 1000 1100
# Each vcpu is pinned as before or as asked for, which vcpu-list shows; xenstore has no part in it.
interrupted vcpu-pin 1 2 pvh_hard "(1 )*0( 0)*" "1 1 1 1"
tap_end
