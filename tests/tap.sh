# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# TAP for the tests that are shell scripts: sourced by them.

tap_number=0
tap_failed=0

# tap STATUS TITLE [FILE...]: one result; the files are shown if it is a failure.
tap() {
    tap_number=$((tap_number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_number - $2"
        return
    fi
    echo "not ok $tap_number - $2"
    tap_failed=1
    shift 2
    for tap_file; do
        sed 's/^/# /' "$tap_file" | tail -n 60
    done
}

# The end of a test script.
tap_end() {
    echo "1..$tap_number"
    exit $tap_failed
}
