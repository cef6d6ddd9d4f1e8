#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each system call of what makes a guest, and of what attaches and detaches devices, fails in turn, run
# inside dom0, with strace.
# shellcheck disable=SC2015,SC2086,SC2181,SC2317 # either; numbers; statuses; what is called by its name
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/create.sh
. "$(dirname "$0")/create.sh"
# shellcheck source=tests/lab/failing.sh
. "$(dirname "$0")/failing.sh"

# ---- Guests ----

cat >pv.cfg <<END
name = "made"
type = "pv"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "$LAB_GUEST_LINE"
memory = 96
vif = ["mac=00:16:3e:00:00:01"]
disk = ["/run/disk,raw,xvda,w"]
on_poweroff = "preserve"
on_reboot = "preserve"
on_watchdog = "preserve"
on_crash = "preserve"
END
sed '/^vif\|^disk/d; s/"pv"/"pvh"/' pv.cfg >pvh.cfg

nodes_of_guest() { # DOMID: how many
    lab-ls | grep -c "/$1[/ ]"
}

# Its guest is there as a whole, whatever was said; or nothing is.
create_failing() { # FILE
    with_failure xl-lite create -q -p "$1"
    is_clean
    ok=$?
    made=$(lab-domain list)
    if [ -n "$made" ]; then
        done_after=$((done_after + 1))
        [ "$(nodes_of_guest "$made")" -eq "$whole" ] || ok=1
        xl-lite destroy "$made" >again.out 2>again.err || ok=1
    else
        [ $status -ne 0 ] || ok=1
    fi
    host after
    [ $ok -eq 0 ] && cmp -s before after \
        || report 1 "$title: $name $n fails: status $status" out.out out.err again.err trace before after
}

: >again.err
for type in pv pvh; do
    xl-lite create -q -p $type.cfg && whole=$(nodes_of_guest "$(lab-domain list)") && xl-lite destroy made
    host before
    calls_of xl-lite create -q -p $type.cfg >calls
    xl-lite destroy made
    host after
    cmp -s before after
    report $? "create ($type): it can be undone" before after
    each_call "create ($type)" create_failing $type.cfg
done

# ---- Devices, of a guest that does not run ----

lab-guest -p web || exit 1
state() {
    host all
    # Linux's backends note there that a guest was connecting when they were taken away; a lock that
    # cannot be removed locks nobody out.
    grep -v '^/local/domain/0/error\|userdata-lock$' all >"$1"
}

# What was begun is not undone, as the guest may have let go of it; the next one ends it.  Its script is
# not run again: a loop device that it says it has left stays.
detach_failing() {
    with_failure xl-lite $remove
    is_clean
    ok=$?
    ! grep -q "the script of its device .* cannot be run" out.err || losetup -d /dev/loop0
    [ $status -eq 0 ] || xl-lite $remove >again.out 2>again.err
    state now
    if [ $ok -ne 0 ] || ! cmp -s now new; then
        diff new now >now-new
        report 1 "$title: $name $n fails: status $status" out.out out.err again.err trace now-new
        xl-lite $remove >again.out 2>again.err
    fi
    xl-lite $add
}

for kind in network block; do
    add="network-attach web mac=00:16:3e:00:00:02"
    remove="network-detach --force web 00:16:3e:00:00:02"
    [ $kind = network ] || add="block-attach web /run/disk,raw,xvdb,w" remove="block-detach --force web xvdb"
    fails_once $kind-attach "xl-lite $remove >/dev/null 2>&1" xl-lite $add
    xl-lite $add
    calls_of xl-lite $remove >calls
    state new
    xl-lite $add
    each_call "$kind-detach" detach_failing
    xl-lite $remove
done

audit_end
