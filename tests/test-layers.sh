#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes point downward only (each layer sees the public headers below it, and no others).
# Environment: SOURCE, the checkout.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
cd "$SOURCE" || exit 1
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# In DIRECTORY (not below it) no file may include a header that matches PATTERN.
forbid() {
    grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1"/*.[ch] >"$found"
    [ ! -s "$found" ]
    tap $? "$1 does not include $3" "$found"
}

forbid xsutil 'xenctrl|xenguest|xencall|xenforeignmemory|xenevtchn|xengnttab|libxl' 'libxenctrl or its relatives'
forbid xsutil 'xl-lite/|.*xll' 'libxl-lite'
for floor in base look monitor; do
    forbid libxl-lite/$floor '.*cli/|json|.*xsutil-private' "the command, json-c or xsutil's internals"
    forbid libxl-lite/$floor 'libxl[._]' 'libxl'
done
forbid libxl-lite/cli 'xen|xsutil/|libxl-lite/(base|look|monitor)' "Xen's headers, xsutil or libxl-lite's internals"

# A check that finds nothing in an empty directory would prove nothing.
for directory in xsutil libxl-lite/base libxl-lite/look libxl-lite/monitor libxl-lite/cli; do
    grep -qE '^#include' "$directory"/*.c
    tap $? "$directory has includes to look at"
done
tap_end
