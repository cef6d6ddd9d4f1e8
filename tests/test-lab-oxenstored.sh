#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The suites that look at xenstore, once more with oxenstored as the lab's daemon; and the one that has it
# replaced under a supervisor.
# Environment: as of test-lab.sh.
set -u
LAB_DAEMON=oxenstored exec sh "$SOURCE/tests/test-lab.sh" suite-junk.sh suite-lists.sh suite-events.sh \
    suite-guest.sh suite-supervise-update.sh
