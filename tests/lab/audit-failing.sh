#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each system call of each command of xl-lite that looks or acts fails in turn, run inside dom0, with strace.
# shellcheck disable=SC2086,SC2181,SC2317 # numbers; statuses; what is called by its name
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source=tests/lab/failing.sh
. "$(dirname "$0")/failing.sh"

lab-guest -p web vcpus=2 memory=112 maxmem=144 || exit 1
web=$(xl domid web)
backend=/local/domain/0/backend

state() { # FILE: all that there is of domains, in xenstore and in the hypervisor
    {
        lab-ls -p
        xl-lite list --json web
        xl vcpu-list web | awk '{ $4 = ""; print }' # but for the CPU that each was on last
        lab-domain list
        ls /var/lib/xen /run/xen
    } >"$1" 2>&1
}

# ---- What acts ----

control=/local/domain/$web/control
fails_once rename "xl-lite rename $web web" xl-lite rename web other
fails_once mem-max "xl mem-max web 144" xl-lite mem-max web 160
fails_once mem-set "xl mem-set web 112" xl-lite mem-set web 120
fails_once vcpu-set "xl vcpu-set web 2" xl-lite vcpu-set web 1
fails_once vcpu-pin "xl vcpu-pin web all all all" xl-lite vcpu-pin web 0 1 0
xenstore-write "$control/sysrq" ""
fails_once sysrq "xenstore-write $control/sysrq ''" xl-lite sysrq web h
fails_once trigger : xl-lite trigger web nmi
xenstore-write "$control/feature-poweroff" 1
xenstore-write "$control/shutdown" poweroff
state between
BETWEEN="it was asked to, and what comes of that\|as the request was not withdrawn"
fails_once shutdown "xenstore-write $control/shutdown ''" xl-lite shutdown --timeout=1 web
BETWEEN=

# ---- The end ----

victim() { # a domain with a device that has closed
    id=$(lab-domain create 1 victim)
    lab-domain vifs 1 "$id"
    xenstore-write "$backend/vif/$id/0/state" 6
}

whole() { # all of its nodes are there, or none
    lab-ls >nodes
    case $(grep -c "^/local/domain/$id/name \|^/libxl/$id/type \|^$backend/vif/$id/0/mac \|^/local/domain/$id/vm " nodes) in
    0 | 4) ;;
    *) return 1 ;;
    esac
}

destroy_failing() {
    victim
    with_failure xl-lite destroy "$id"
    is_clean && whole && { [ $status -ne 0 ] || ! lab-domain list | grep -qx "$id"; }
    ok=$?
    ! lab-domain list | grep -qx "$id" || xl-lite destroy "$id" >again.out 2>again.err || ok=1
    ! lab-ls | grep -q "/$id/" || ok=1
    [ $ok -eq 0 ] || report 1 "destroy: $name $n fails: status $status" out.out out.err again.err trace
}

victim
calls_of xl-lite destroy victim1 >calls
each_call destroy destroy_failing

# ---- What looks ----

for command in list "list -l" vcpu-list network-list block-list console-list uptime info "domid web" "domname $web" \
    "domain-show web"; do
    fails_once "$command" : xl-lite $command
done

# From here on the guest runs, and changes what it likes.
is_paused() {
    xl list web | grep -q ' ..p... '
}
state() {
    if is_paused; then echo paused; else echo unpaused; fi >"$1"
}
fails_once unpause "is_paused || xl pause web" xl-lite unpause web

audit_end
