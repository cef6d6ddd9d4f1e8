#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The memory policy, function by function: AUDIT.md's table is what the headers say, it has all that
# the libraries export, and each function is called, done and failing in each way that it has.
# Environment: BUILD, the directory of the libraries, SOURCE, the checkout, and what the programs need.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
found=$(mktemp) notes=$(mktemp) made=$(mktemp)
trap 'rm -f "$found" "$notes" "$made"' EXIT
audit=$SOURCE/tests/audit.py

sed -n '/^<!-- functions/,/^<!-- end of functions/p' "$SOURCE/tests/AUDIT.md" | sed '1d;$d' >"$notes"
python3 "$audit" table "$SOURCE" >"$made" 2>"$found" && diff "$notes" "$made" >"$found"
tap $? "the table in AUDIT.md is made of the headers; \`tests/audit.py write .\` makes it anew" "$found"

for library in xsutil libxl-lite; do
    file=$BUILD/lib${library#lib}.so
    nm -D --defined-only "$file" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort -u >"$notes"
    python3 "$audit" names "$SOURCE" $library | LC_ALL=C sort | diff "$notes" - >"$found" && [ -s "$notes" ]
    tap $? "each function that $library exports has a row, and nothing else has" "$found"
done

: >"$notes"
for program in "$BUILD"/tests/test-audit-* "$BUILD/tests/test-aborts"; do
    case $program in *.o) continue ;; esac
    XSU_AUDIT=$notes "$program" --tap >"$found" 2>&1
    tap $? "$(basename "$program") ends well" "$found"
done
python3 "$audit" calls "$SOURCE" "$notes" >"$found"
tap $? "each function was called, and failed in each way that its comment has" "$found"
echo "# $(sort -u "$notes" | wc -l) different outcomes of $(cut -d' ' -f1 "$notes" | sort -u | wc -l) functions"
tap_end
