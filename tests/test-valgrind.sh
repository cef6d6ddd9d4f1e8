#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each test program once more under valgrind: no error, no leak.  And scratch that was rewound or
# freed is caught when it is used.  test-valgrind-others.sh runs every second program, with --others.
# Environment: TEST_PROGRAMS, and what they need themselves.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export XSU_CASES="${XSU_VALGRIND_CASES:-3000}"

report() {
    tap "$1" "$2" "$log"
}

run() {
    timeout --foreground 900 valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --child-silent-after-fork=yes \
        "$@" >"$log" 2>&1
}

# Both halves take about as long, as neighbours in the list are alike.
turn=0 ours=0
[ "${1-}" != --others ] || ours=1
gc_program=
for program in $TEST_PROGRAMS; do
    case $program in */test-gc) gc_program=$program ;; esac
    turn=$((1 - turn))
    [ $turn -ne $ours ] || continue
    run "$program" --tap
    report $? "$(basename "$program") is clean under valgrind"
done
[ $ours -eq 0 ] || tap_end
run "$gc_program" --misuse none
report $? "proper use of scratch is no error"
for misuse in rewound freed; do
    run "$gc_program" --misuse $misuse
    [ $? -eq 99 ] && grep -qE 'Invalid read|uninitialised' "$log"
    report $? "valgrind catches the use of $misuse scratch"
done
tap_end
