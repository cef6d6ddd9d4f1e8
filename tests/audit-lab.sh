#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the lab: each system call of each command fails in turn, and making a guest goes wrong at each step.
# It needs strace.
# Environment: as of test-lab.sh; EVERY, to have each EVERYth alone.
set -u
strace=$(command -v strace) || {
    echo "audit-lab.sh: strace is not installed; ./bootstrap deps does that" >&2
    exit 1
}
exec sh "$SOURCE/tests/test-lab.sh" --with "$strace" --limit 21600 "EVERY=${EVERY:-1}" audit-failing.sh audit-failing-make.sh audit-create.sh
