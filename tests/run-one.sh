#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs one test program for prove.  GTest says "Bail out!" when one of a program's tests fails; prove
# would take that for the end of all tests.  It takes nothing but UTF-8 either, and some tests print, of
# scripts and guests of theirs, what is none.
# What a program that fails has printed is kept in build/failed, for show-failed.sh: prove shows its name.
# usage: run-one.sh PROGRAM [ARGUMENT...]; exit status: the program's
mkdir -p build/failed
kept=build/failed/$(echo "${1#build/}" | tr / -)
exec 4>&1
status=$({ { "$@" 2>&1 3>&- 4>&-; echo $? >&3; } | LC_ALL=C sed -u 's/[^ -~\t]/?/g; s/^Bail out!/not ok - &/' |
    tee "$kept" >&4; } 3>&1)
[ "$status" -ne 0 ] || grep -q '^not ok' "$kept" || rm "$kept"
exit "$status"
