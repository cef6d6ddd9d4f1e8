#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The suites that test-lab.sh and test-lab-making.sh leave out, as they take long: shutdown, destroy, memory
# and vcpus, beside xl and interrupted.
# Environment: as of test-lab.sh.
# shellcheck disable=SC2046 # suites' names have no spaces
set -u
exec sh "$SOURCE/tests/test-lab.sh" $(cd "$SOURCE/tests/lab" && ls suite*.sh |
    grep -v '^suite-\(config\|create\|supervise\)' |
    grep -vwF "$(sed -n 's/^STANDARD=//p' "$SOURCE/tests/test-lab.sh" | tr -d '"' | tr ' ' '\n')")
