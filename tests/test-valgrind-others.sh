#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The other half of test-valgrind.sh, so that both run at once.
set -u
exec sh "$(dirname "$0")/test-valgrind.sh" --others
