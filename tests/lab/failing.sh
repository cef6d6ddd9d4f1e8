# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2181 # what a suite uses; exit statuses and files are looked at together
# For the audits that make system calls fail with strace, run inside dom0: sourced by them, behind tap.sh.
# Each call of a command fails in turn, one in a run, hypercalls among them; each EVERYth, if that is set.
# A command may then fail, and says why; it does not crash, wait for ever, call undone what is done, or
# leave anything half done.
EVERY=${EVERY:-1}

# A call whose failure cannot be told, or that has none; glibc aborts at one of futex(), GLib at
# one of clock_gettime(), and brk() never gives an errno.
SILENT="execve|exit_group|exit|restart_syscall|rt_sigreturn|munmap|close|futex|brk|clock_gettime"
# What memory is made of: to run out of it is to abort.
MEMORY="brk|mmap|mremap|madvise|mprotect"

points=0
turn=0
done_after=0

calls_of() { # COMMAND...: "NAME COUNT" of each system call
    strace -o trace "$@" >/dev/null 2>&1
    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' trace | grep -vxE "$SILENT" | sort | uniq -c | awk '{ print $2, $1 }'
}

# Of the dynamic linker, which are as in any program.
calls_of xl-lite --version >loader

with_failure() { # COMMAND...: call $name fails the $n-th time; sets status
    timeout 60 strace -o trace -e trace="$name" -e inject="$name:error=EIO:when=$n" "$@" >out.out 2>out.err </dev/null
    status=$?
}

is_clean() { # whether a command may end so, one of whose calls failed
    case $status in
    0) ;;
    1 | 2) [ -s out.err ] || [ "$name" = write ] ;;
    133 | 134) echo "$name" | grep -qxE "$MEMORY" && [ -s out.err ] ;;
    *) return 1 ;;
    esac
}

each_call() { # TITLE CHECK...: for each of those in the file `calls`, as $name and $n
    title=$1
    shift
    first=$points
    while read -r name count; do
        before=$(awk -v name="$name" '$1 == name { print $2 }' loader)
        n=${before:-0}
        while [ "$n" -lt "$count" ]; do
            n=$((n + 1))
            turn=$((turn + 1))
            [ $((turn % EVERY)) -eq 0 ] || continue
            points=$((points + 1))
            "$@"
        done
    done <calls
    report 0 "$title: $((points - first)) calls failed, one in a run"
}

# is_whole: done, and said so; or not done, whatever was said; or in between, if that has a name, and is
# said: as the file `between`, and with $BETWEEN on stderr
BETWEEN=
is_whole() {
    state now
    if cmp -s now new; then
        done_after=$((done_after + 1))
        return 0
    fi
    [ "$status" -ne 0 ] || return 1
    cmp -s now old || { [ -n "$BETWEEN" ] && cmp -s now between && grep -q "$BETWEEN" out.err; }
}

point_of() { # UNDO COMMAND...
    undo=$1
    shift
    with_failure "$@"
    if ! is_clean || ! is_whole; then
        state now
        diff old now >now-old
        diff new now >now-new
        report 1 "$title: $name $n fails: status $status" out.out out.err trace now-old now-new
    fi
    eval "$undo"
}

# fails_once TITLE UNDO COMMAND...: UNDO takes back what it did; state FILE is all that it may change
fails_once() {
    title=$1
    undo=$2
    shift 2
    eval "$undo" # leaves what xl makes of it, which may be another limit than at first
    state old
    calls_of "$@" >calls
    state new
    eval "$undo"
    state again
    cmp -s old again
    report $? "$title: it can be undone" old again
    each_call "$title" point_of "$undo" "$@"
}

audit_end() {
    echo "# $points calls failed, one in a run, of $turn; after $done_after all was done"
    tap_end
}
