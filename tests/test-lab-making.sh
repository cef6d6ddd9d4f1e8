#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The suites about making guests and their devices, and about looking after them, in a boot of their own;
# suite-config.sh is in test-lab.sh, and suite-supervise-update.sh in test-lab-oxenstored.sh, as these end
# sooner.
# Environment: as of test-lab.sh.
# shellcheck disable=SC2046 # suites' names have no spaces
set -u
exec sh "$SOURCE/tests/test-lab.sh" $(cd "$SOURCE/tests/lab" &&
    ls suite-create*.sh suite-devices.sh suite-supervise.sh suite-supervise-kills.sh)
