#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-one.sh, through which prove runs all tests: what it does with programs that hang, fail, leave a
# process behind and print what is no text.
# Environment: SOURCE, the checkout.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kept=build/failed/-bin-sh # of what /bin/sh runs
cd "$work" || exit 1

# check TITLE STATUS OUTPUT KEPT SCRIPT: KEPT, yes or no, is whether the output is there afterwards.
check() {
    RUN_LIMIT_S=2 timeout 60 sh "$SOURCE/tests/run-one.sh" /bin/sh -c "$5" >output
    status=$?
    case $4 in
    yes) cmp -s output $kept ;;
    no) [ ! -e $kept ] ;;
    esac && [ $status -eq "$2" ] && [ "$(cat output)" = "$3" ] && [ ! -e $kept.raw ]
    tap $? "$1" output
}

check "one that is done" 0 "ok 1 - x" no 'echo "ok 1 - x"'
check "one that fails" 3 "not ok 1 - x" yes 'echo "not ok 1 - x"; exit 3'
check "one that fails, and says so alone" 0 "not ok 1 - x" yes 'echo "not ok 1 - x"'
check "GTest's end" 134 "not ok - Bail out! why" yes 'echo "Bail out! why"; exit 134'
check "what is no text" 0 "ok 1 - ?[0m? ??" no 'printf "ok 1 - \033[0m\001 \303\251\n"'
check "one that hangs" 124 "ok 1 - x
not ok - it took longer than 2 s" yes 'echo "ok 1 - x"; exec sleep 1000'
check "one that leaves a process behind, with its output" 0 "ok 1 - x" no 'sleep 1000 & echo $! >left; echo "ok 1 - x"'
kill "$(cat left)"
tap_end
