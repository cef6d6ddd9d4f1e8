#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The suites about making guests, and about looking after them, in a boot of their own; suite-devices.sh is
# in test-lab.sh, and suite-supervise-update.sh in test-lab-oxenstored.sh, so that each takes about as long.
# Environment: as of test-lab.sh.
# shellcheck disable=SC2046 # suites' names have no spaces
set -u
exec sh "$SOURCE/tests/test-lab.sh" $(cd "$SOURCE/tests/lab" &&
    ls suite-config.sh suite-create*.sh suite-supervise.sh suite-supervise-kills.sh)
