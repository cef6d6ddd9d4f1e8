#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the lab: each system call of each command fails in turn.  It needs strace.
# Environment: as of test-lab.sh.
set -u
strace=$(command -v strace) || {
    echo "audit-lab.sh: strace is not installed; ./bootstrap deps does that" >&2
    exit 1
}
exec sh "$SOURCE/tests/test-lab.sh" --with "$strace" --limit 7200 audit-failing.sh
