# SPDX-License-Identifier: LGPL-2.1-or-later
# What prove counted, as "PASSED FAILED": awk -v status=STATUS -f count.awk OUTPUT, where STATUS is
# that of the command whose output it is.  If that is not 0, or if no test ran, something has failed,
# counted or not.
match($0, /^Files=[0-9]+, Tests=[0-9]+/) {
    split(substr($0, 1, RLENGTH), part, "=")
    total = part[3]
}
match($0, /\(Wstat: .* Failed: [0-9]+\)$/) {
    failed += substr($0, RSTART + match(substr($0, RSTART), /[0-9]+\)$/) - 1)
}
END {
    if (!failed && (status != 0 || !total))
        missed = 1
    print total - failed, failed + missed
}
