# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Waiting in dom0: sourced by the suites, and by what makes their guests.

# moment [SECONDS]: waits for so long, or 0.3 s.  It reads what nobody writes: `sleep` would be a process, and
# those are slow under emulation.
moment() {
    # shellcheck disable=SC3045 # busybox has it
    read -r -t "${1:-0.3}" _ <>/run/lab-moment || :
}

# await COMMAND...: until it succeeds; false if it has not after six minutes of pauses.  They grow to 0.9 s, as
# looking takes time from what is waited for.
await() {
    await_turn=0
    until "$@" >/dev/null 2>&1; do
        await_turn=$((await_turn + 1))
        [ $await_turn -lt 400 ] || return 1
        moment 0.$((await_turn < 8 ? await_turn + 1 : 9))
    done
}

# has_said NAME LINE: a guest, on its console
has_said() {
    grep -qs -- "$2" "/var/log/xen/console/guest-$1.log"
}
