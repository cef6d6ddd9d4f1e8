#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# suite-create-steps.sh at each step, or each EVERYth, run inside dom0.
EVERY=${EVERY:-1} exec sh "$(dirname "$0")/suite-create-steps.sh"
