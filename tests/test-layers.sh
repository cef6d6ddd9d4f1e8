#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes point downward only (each layer sees the public headers below it, and no others).
# Environment: SOURCE, the checkout.
set -u
cd "$SOURCE" || exit 1
number=0
status=0

# In DIRECTORY (not below it) no file may include a header that matches PATTERN.
forbid() {
    number=$((number + 1))
    found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1"/*.[ch])
    if [ -z "$found" ]; then
        echo "ok $number - $1 does not include $3"
    else
        echo "not ok $number - $1 does not include $3"
        echo "$found" | sed 's/^/# /'
        status=1
    fi
}

forbid xsutil 'xenctrl|xenguest|xencall|xenforeignmemory|xenevtchn|xengnttab|libxl' 'libxenctrl or its relatives'
forbid xsutil 'xl-lite/|.*xll' 'libxl-lite'
forbid libxl-lite '.*cli/|json|.*xsutil-private' "the command, json-c or xsutil's internals"
forbid libxl-lite 'libxl[._]' 'libxl'
forbid libxl-lite/cli 'xen|xsutil/|.*xll-private' "Xen's headers, xsutil or libxl-lite's internals"

# A check that finds nothing in an empty directory would prove nothing.
for directory in xsutil libxl-lite libxl-lite/cli; do
    number=$((number + 1))
    if grep -qE '^#include' "$directory"/*.c; then
        echo "ok $number - $directory has includes to look at"
    else
        echo "not ok $number - $directory has includes to look at"
        status=1
    fi
done
echo "1..$number"
exit $status
