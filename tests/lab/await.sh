# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Waiting in dom0: sourced by the suites, and by what makes their guests.

# By a read of what nobody writes, as a process more would cost emulation much.
moment() {
    # shellcheck disable=SC3045 # busybox has it
    read -r -t 0.3 _ <>/run/lab-moment || :
}

# await COMMAND...: until it succeeds; false if it has not within about two minutes
await() {
    await_left=400
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
