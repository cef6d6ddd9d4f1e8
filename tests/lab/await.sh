# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Waiting in dom0: sourced by the suites, and by what makes their guests.

# Waits for 0.3 s.  It reads what nobody writes: `sleep` would be a process, and those are slow under
# emulation.
moment() {
    # shellcheck disable=SC3045 # busybox has it
    read -r -t 0.3 _ <>/run/lab-moment || :
}

# await COMMAND...: until it succeeds; false if it has not after six minutes of pauses
await() {
    await_left=1200
    until "$@" >/dev/null 2>&1; do
        await_left=$((await_left - 1))
        [ $await_left -gt 0 ] || return 1
        moment
    done
}

# has_said NAME LINE: a guest, on its console
has_said() {
    grep -qs -- "$2" "/var/log/xen/console/guest-$1.log"
}
