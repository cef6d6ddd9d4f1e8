#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shows what tests that failed have printed: all behind each "not ok" up to the next "ok", and the last
# lines.  run-one.sh has kept it.
# usage: show-failed.sh FOLDER...: each the build/failed of a checkout, if it is there
for kept in "$@"; do
    [ -d "$kept" ] || continue
    find "$kept" -type f -size +0 | sort | while read -r file; do
        echo "== $file"
        awk '/^not ok/ { shown = 1 } /^ok/ { shown = 0 } shown { print "| " $0 }' "$file" | head -n 200
        echo "== its end"
        tail -n 20 "$file" | sed 's/^/| /'
    done
done
