#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each system call of each command of xl-lite fails in turn, one in a run, hypercalls among them.  Run
# inside dom0, with strace, which makes them fail.  A command may then fail, and says why; it does not
# crash, wait for ever, call undone what is done, or leave anything half done.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

lab-guest -p web vcpus=2 memory=112 maxmem=144 || exit 1
web=$(xl domid web)
backend=/local/domain/0/backend

state() { # FILE: all that there is of domains, in xenstore and in the hypervisor
    {
        xenstore-ls -fp
        xl-lite list --json web
        xl vcpu-list web | awk '{ $4 = ""; print }' # but for the CPU that each was on last
        lab-domain list
        ls /var/lib/xen /run/xen
    } >"$1" 2>&1
}

# A call whose failure cannot be told, or that has none; glibc aborts at one of futex(), GLib at
# one of clock_gettime(), and brk() never gives an errno.
SILENT="execve|exit_group|exit|restart_syscall|rt_sigreturn|munmap|close|futex|brk|clock_gettime"
# What memory is made of: to run out of it is to abort.
MEMORY="brk|mmap|mremap|madvise|mprotect"

calls_of() { # COMMAND...: "NAME COUNT" of each system call
    strace -o trace "$@" >/dev/null 2>&1
    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' trace | grep -vxE "$SILENT" | sort | uniq -c | awk '{ print $2, $1 }'
}

# Of the dynamic linker, which are as in any program.
calls_of xl-lite --version >loader

is_clean() { # NAME STATUS: how a command ends one of whose calls failed
    case $2 in
    0) ;;
    1 | 2) [ -s out.err ] || [ "$1" = write ] ;;
    133 | 134) echo "$1" | grep -qxE "$MEMORY" && [ -s out.err ] ;;
    *) return 1 ;;
    esac
}

points=0
done_after=0

# is_whole STATUS: done, and said so; or not done, whatever was said
is_whole() {
    state now
    if cmp -s now new; then
        done_after=$((done_after + 1))
        return 0
    fi
    [ "$1" -ne 0 ] && cmp -s now old
}

# fails_once TITLE UNDO COMMAND...: with each of its calls failing; UNDO takes back what it did
fails_once() {
    title=$1
    undo=$2
    shift 2
    first=$points
    eval "$undo" # leaves what xl makes of it, which may be another limit than at first
    state old
    calls_of "$@" >calls
    state new
    eval "$undo"
    state again
    cmp -s old again
    report $? "$title: it can be undone" old again
    while read -r name count; do
        before=$(awk -v name="$name" '$1 == name { print $2 }' loader)
        n=$((${before:-0} + 1))
        while [ "$n" -le "$count" ]; do
            points=$((points + 1))
            timeout 60 strace -o trace -e trace="$name" -e inject="$name:error=EIO:when=$n" "$@" >out.out 2>out.err </dev/null
            status=$?
            # shellcheck disable=SC2015 # either
            is_clean "$name" $status && is_whole $status || report 1 "$title: $name $n fails: status $status" out.out out.err trace
            eval "$undo"
            n=$((n + 1))
        done
    done <calls
    report 0 "$title: each of $((points - first)) calls failed once"
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
fails_once shutdown "xenstore-write $control/shutdown ''" xl-lite shutdown --timeout=1 web

# ---- The end ----

victim() { # a domain with a device that has closed
    id=$(lab-domain create 1 victim)
    lab-domain vifs 1 "$id"
    xenstore-write "$backend/vif/$id/0/state" 6
}

whole() { # all of its nodes are there, or none
    xenstore-ls -f >nodes
    case $(grep -c "^/local/domain/$id/name \|^/libxl/$id/type \|^$backend/vif/$id/0/mac \|^/local/domain/$id/vm " nodes) in
    0 | 4) ;;
    *) return 1 ;;
    esac
}

victim
calls_of xl-lite destroy victim1 >calls
first=$points
while read -r name count; do
    before=$(awk -v name="$name" '$1 == name { print $2 }' loader)
    n=$((${before:-0} + 1))
    while [ "$n" -le "$count" ]; do
        points=$((points + 1))
        victim
        state old
        timeout 60 strace -o trace -e trace="$name" -e inject="$name:error=EIO:when=$n" xl-lite destroy "$id" >out.out 2>out.err </dev/null
        status=$?
        is_clean "$name" $status && whole && { [ $status -ne 0 ] || ! lab-domain list | grep -qx "$id"; }
        ok=$?
        ! lab-domain list | grep -qx "$id" || xl-lite destroy "$id" >again.out 2>again.err || ok=1
        ! xenstore-ls -f | grep -q "/$id/" || ok=1
        [ $ok -eq 0 ] || report 1 "destroy: $name $n fails: status $status" out.out out.err again.err trace
        n=$((n + 1))
    done
done <calls
report 0 "destroy: each of $((points - first)) calls failed once"

# ---- What looks ----

for command in list "list -l" vcpu-list network-list block-list console-list uptime info "domid web" "domname $web" \
    "domain-show web"; do
    # shellcheck disable=SC2086 # words
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

echo "# $points calls failed, one in a run"

tap_end
