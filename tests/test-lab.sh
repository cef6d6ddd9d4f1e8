#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a real Xen once, and runs all of tests/lab/suite*.sh in its dom0; or those that are named.
# Environment: SOURCE, XEN_PARTS; BUILD, where the programs are; TEST_XLL, the ASan build of it;
# LAB_DAEMON, xenstored by default.
# shellcheck disable=SC2086 # suites' names have no spaces
set -u
[ "${1-}" != --tap ] || shift
suites=$*
lab=$SOURCE/tests/lab
set --
for suite in "$lab"/suite*.sh "$lab/tap.sh"; do
    set -- "$@" --file "$suite:/lab/suites/${suite##*/}"
done
for program in "$BUILD"/tests/lab-*; do
    set -- "$@" --prog "$program"
done
exec python3 "$lab/lab.py" --parts "$XEN_PARTS" --prog "$BUILD/xl-lite" \
    --prog "$BUILD/xsutil-example" --prog "$TEST_XLL" \
    --file "$BUILD/tests/other-version.so:/lab/other-version.so" "$@" \
    run --daemon "${LAB_DAEMON:-xenstored}" --timeout 2400 "$lab/run-suites.sh" $suites
