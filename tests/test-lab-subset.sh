#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The suites that compare text with xl's, and the one inside a guest, for `scons subset`.
# Environment: as of test-lab.sh.
set -u
exec sh "$SOURCE/tests/test-lab.sh" suite-guest.sh suite-lists.sh suite.sh
