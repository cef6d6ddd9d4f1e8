#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a real Xen once, and runs suites of tests/lab in its dom0: those of STANDARD, or those that are
# named.  test-lab-actions.sh, test-lab-making.sh and test-lab-oxenstored.sh run all others.
# Environment: SOURCE, XEN_PARTS; BUILD, where the programs are; TEST_XLL, the ASan build of it;
# LAB_DAEMON, xenstored by default.
# shellcheck disable=SC2086 # suites' names have no spaces
set -u
[ "${1-}" != --tap ] || shift
# --with PROGRAM: it is there, too; --limit SECONDS: for the whole.
with='' limit=3600
while :; do
    case ${1-} in
    --with) with="--prog $2" ;;
    --limit) limit=$2 ;;
    *) break ;;
    esac
    shift 2
done
STANDARD="suite-act.sh suite-cli.sh suite-devices.sh suite-events.sh suite-guest.sh suite-junk.sh suite-lists.sh suite-rename.sh suite.sh"
suites=${*:-$STANDARD}
lab=$SOURCE/tests/lab
set --
for suite in "$lab"/suite*.sh "$lab"/audit*.sh "$lab/tap.sh" "$lab/create.sh" "$lab/failing.sh" "$lab/supervise.sh"; do
    set -- "$@" --file "$suite:/lab/suites/${suite##*/}"
done
for program in "$BUILD"/tests/lab-*; do
    set -- "$@" --prog "$program"
done
exec python3 "$lab/lab.py" --parts "$XEN_PARTS" --prog "$BUILD/xl-lite" \
    --prog "$BUILD/xsutil-example" --prog "$TEST_XLL" --prog "$XEN_PARTS/root/usr/bin/xenstore-control" \
    --file "$BUILD/tests/other-version.so:/lab/other-version.so" "$@" \
    $with run --daemon "${LAB_DAEMON:-xenstored}" --timeout "$limit" "$lab/run-suites.sh" $suites
