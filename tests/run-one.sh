#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs one test program for prove.  GTest says "Bail out!" when one of a program's tests fails; prove
# would take that for the end of all tests.  It takes nothing but UTF-8 either, and some tests print, of
# scripts and guests of theirs, what is none.
# One that hangs is ended, or nobody would hear of the others.  A lab ends itself, and says where it was.
# Prove sees the output when the program has ended: a pipe would stay open for as long as a process that it
# has left behind.
# What a program that fails has printed is kept in build/failed, for show-failed.sh: prove shows its name.
# usage: run-one.sh PROGRAM [ARGUMENT...]; exit status: the program's, or 124 if it was ended
# Environment: RUN_LIMIT_S, how long it may take.
limit_s=${RUN_LIMIT_S:-2400}
case $1 in */test-lab*) limit_s=4000 ;; esac
mkdir -p build/failed
kept=build/failed/$(echo "${1#build/}" | tr / -)
timeout --foreground -k 10 "$limit_s" "$@" >"$kept.raw" 2>&1
status=$?
[ $status -ne 124 ] || echo "not ok - it took longer than $limit_s s" >>"$kept.raw"
LC_ALL=C sed 's/[^ -~\t]/?/g; s/^Bail out!/not ok - &/' "$kept.raw" | tee "$kept"
rm "$kept.raw"
[ $status -ne 0 ] || grep -q '^not ok' "$kept" || rm "$kept"
exit $status
