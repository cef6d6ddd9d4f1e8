#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# rename, sysrq, trigger and list -o state, run inside dom0: as xl leaves it, and interrupted.
# shellcheck disable=SC2181,SC2317 # exit statuses and files are looked at together; called by name
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

lab-guest --wait web || exit 1
lab-guest -p --idle db || exit 1
web=$(xl domid web)
db=$(xl domid db)
uuid=$(xenstore-read "/local/domain/$web/vm")

silent() { # TITLE COMMAND...: it succeeds and says nothing
    title=$1
    shift
    "$@" >lite.out 2>lite.err
    [ $? -eq 0 ] && [ ! -s lite.out ] && [ ! -s lite.err ]
    report $? "$title" lite.out lite.err
}

named() { # NAME: of web, wherever it is written
    [ "$(xenstore-read "/local/domain/$web/name")" = "$1" ] && [ "$(xenstore-read "$uuid/name")" = "$1" ] \
        && [ "$(xl domname "$web")" = "$1" ]
}

# ---- list -o state ----

prints paused list -o state db
running=$(xl-lite list -o state web Domain-0 | sort -u | tr '\n' ' ')
case $running in "blocked running " | "running ") ;; *) false ;; esac
report $? "list -o state: web and Domain-0 run or are blocked ($running)"
xl pause web
[ "$(xl-lite list -o state web)" = paused ]
report $? "list -o state, for a script"
xl unpause web
[ "$(xl-lite list -o state | wc -l)" -eq 3 ]
report $? "list -o state: one word a domain"
refused 1 "no domain is named 'nosuch'" xl-lite list -o state nosuch

# ---- rename, as xl leaves it ----

userdata=$(echo /var/lib/xen/userdata-d."$web".*.libxl-json)
cp "$userdata" userdata
xl rename web www
lab-ls -p >wanted
cmp -s userdata "$userdata"
report $? "xl rename leaves libxl's userdata alone"
xl rename www web
silent "rename NAME" xl-lite rename web www
lab-ls -p >got
diff wanted got >differs
report $? "rename: xenstore is as xl leaves it" differs
cmp -s userdata "$userdata" && named www
report $? "rename: userdata is as xl leaves it"
xl list -l www >config 2>&1 && grep -q '"name": "www"' config
report $? "rename: xl list -l has the new name" config
silent "rename to the name that it has" xl-lite rename www www
silent "rename DOMID" xl-lite rename "$web" web
named web
report $? "rename: back"
xl rename web db >xl.out 2>&1
[ $? -ne 0 ]
report $? "xl refuses a name that another has" xl.out
refused 1 "rename: cannot rename domain $web ('web'): domain $db has the name 'db' already$" xl-lite rename web db
refused 2 "cannot be a domain's name: digits alone" xl-lite rename web 77
refused 1 "no domain is named 'nosuch'" xl-lite rename nosuch x
named web
report $? "rename: refused, and nothing is changed"
cat >wanted <<END
web (domain $web): write /local/domain/$web/name = www
web (domain $web): write $uuid/name = www
web (domain $web): commit the transaction
END
xl-lite rename --dry-run web www >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && named web
report $? "rename --dry-run" lite.out lite.err

# ---- Interrupted ----

# interrupted TITLE STEPS CHECK AGAIN ACTION ARGUMENT...: before each step; then CHECK must be true, and
# AGAIN makes the state anew
interrupted() {
    title=$1 steps=$2 check=$3 again=$4
    shift 4
    result=0
    for how in kill drop; do
        step=1
        while [ $step -le "$steps" ]; do
            lab-act --$how=$step "$@" >act.out 2>act.err
            echo "$how $step: exit status $?, $(wc -l <act.out) steps, $(cat act.err)" >>interrupted
            $check || result=1
            $again
            step=$((step + 1))
        done
    done
    report $result "$title" interrupted act.out
}

old_or_new() {
    named web || named www
}
back() {
    named web || xl-lite rename "$web" web
}
: >interrupted
interrupted "rename, interrupted at each step: all of the old or the new" 3 old_or_new back rename "$web" www
grep -q "^kill 3: exit status 137, 3 steps" interrupted && grep -q "^drop 3: exit status 1, .*connection to xenstored is lost" interrupted
report $? "rename was interrupted" interrupted
named web
report $? "rename: web is web" interrupted

# ---- sysrq ----

console=/var/log/xen/console/guest-web.log
is_empty() {
    [ -z "$(xenstore-read "/local/domain/$web/control/sysrq")" ]
}
taken() { # the guest's kernel has emptied it
    await is_empty
}
xl sysrq db h
lab-ls -p >wanted
xenstore-write "/local/domain/$db/control/sysrq" ""
silent "sysrq" xl-lite sysrq db h
lab-ls -p >got
diff wanted got >differs
report $? "sysrq: xenstore is as xl leaves it" differs
xl-lite sysrq db s >lite.out 2>lite.err
[ $? -eq 0 ] && grep -q "'db': its kernel has not taken the SysRq request before this, 'h', which is lost" lite.err \
    && [ "$(xenstore-read "/local/domain/$db/control/sysrq")" = s ]
report $? "sysrq: what was not taken is said to be lost" lite.err
xenstore-write "/local/domain/$db/control/sysrq" ""
silent "sysrq of a guest that runs" xl-lite sysrq web h
taken
report $? "sysrq: its kernel takes it"
grep -q "sysrq: " "$console"
report $? "sysrq: its kernel says so" "$console"
letter() {
    case $(xenstore-read "/local/domain/$db/control/sysrq") in "" | h) ;; *) false ;; esac
}
empty() {
    xenstore-write "/local/domain/$db/control/sysrq" ""
}
: >interrupted
interrupted "sysrq, interrupted at each step: asked or not" 2 letter empty sysrq "$db" h

# ---- trigger ----

nodes() {
    lab-ls -p >nodes
}
xl trigger web nmi
echo "# xl trigger web nmi: exit status $?"
nodes
cp nodes before
silent "trigger nmi" xl-lite trigger web nmi
silent "trigger NMI VCPU" xl-lite trigger web NMI 0
nodes
cmp -s before nodes
report $? "trigger: xenstore is as it was"
await grep -i nmi "$console"
report $? "trigger nmi: its kernel got it" "$console"
refused 1 "cannot send a trigger to domain $web ('web'): it has no vcpu 1: they go from 0 to 0" xl-lite trigger web nmi 1
for trigger in power sleep; do
    xl trigger web $trigger >xl.out 2>&1
    echo "# xl trigger web $trigger: exit status $?, $(cat xl.out)"
    refused 1 "a PV guest has no ACPI $trigger button" xl-lite trigger web $trigger
done
xl trigger web s3resume >xl.out 2>&1
echo "# xl trigger web s3resume: exit status $?, $(cat xl.out)"
refused 1 "a PV guest has no ACPI sleep state" xl-lite trigger web s3resume
for trigger in reset init; do
    refused 1 "cannot send a trigger to domain $web ('web'): Function not implemented" xl-lite trigger web $trigger
done
printf 'web (domain %s): hypercall XEN_DOMCTL_sendtrigger nmi vcpu 0\n' "$web" >wanted
xl-lite trigger --dry-run web nmi >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out
report $? "trigger --dry-run" lite.out lite.err

# ---- PVH, and one that has shut down ----

sed 's/^type = .*/type = "pvh"/; s/^name = .*/name = "pvh"/' /run/lab-guests/db.cfg >pvh.cfg
xl create pvh.cfg -q -p >xl.out 2>&1
report $? "a PVH guest" xl.out
xl trigger pvh power
echo "# xl trigger of a PVH guest, power: exit status $?"
refused 1 "a PVH guest has no ACPI power button" xl-lite trigger pvh power
refused 1 "a PVH guest has no ACPI sleep button" xl-lite trigger pvh sleep
silent "trigger nmi of a PVH guest" xl-lite trigger pvh nmi

tap_end
