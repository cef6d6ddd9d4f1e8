#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs inside dom0: the suites in /lab/suites, or those named, one after the other in one boot.  NAME=VALUE
# among them is for the environment of those behind it.
#
# Each runs by itself, in a folder of its own and without any domain but dom0, so that no failure
# of one hides another.  Out comes one stream of TAP, numbered through, a title beginning with its
# suite's name.  suite.sh is last: at its end there is no daemon any more.
set -u
LIMIT=1800 LONG=7200 # seconds for one suite, and for one of the audit

clean_up() { # all domains but dom0, and what is left of them in xenstore
    ids=$(lab-domain list)
    for id in $ids; do
        # Only xl takes devices down, and only its own domains have any.
        [ -z "$(xenstore-ls "/libxl/$id/device" 2>/dev/null)" ] || xl destroy "$id" 2>/dev/null &
    done
    wait
    # shellcheck disable=SC2046 # one domid a word
    lab-domain destroy $(lab-domain list) 2>/dev/null
    for id in $(xenstore-list /local/domain) $(xenstore-list /libxl 2>/dev/null); do
        [ "$id" = 0 ] || xenstore-rm "/local/domain/$id" "/libxl/$id" 2>/dev/null
    done
}

number() { # NAME: renumber a suite's TAP; one that did not reach its plan has failed
    awk -v name="$1" -v number="$(cat /run/tap-number)" '
        /^(not )?ok [0-9]+ - / { sub(/ok [0-9]+ - /, "ok " ++number " - " name ": ") }
        /^not ok / { failed = 1 }
        /^1\.\.[0-9]+$/ { planned = 1; next }
        { print; fflush() }
        END {
            number++
            print (planned ? "ok " : "not ok ") number " - " name ": ran to its end"
            print number >"/run/tap-number"
            exit failed || !planned
        }'
}

daemon_lives() {
    kill -0 "$(cat /run/xen/xenstored.pid)" 2>/dev/null
}

# shellcheck disable=SC2046 # names without spaces
[ $# -gt 0 ] || set -- $(cd /lab/suites && ls suite-*.sh suite.sh)
echo 0 >/run/tap-number
status=0
for suite; do
    case $suite in *=*) export "${suite?}" && continue ;; esac
    mkdir -p "/tmp/$suite" && cd "/tmp/$suite" || exit 1
    began=$(date +%s)
    case $suite in audit*) limit=$LONG ;; *) limit=$LIMIT ;; esac
    timeout $limit sh "/lab/suites/$suite" 2>&1 | number "${suite%.sh}" || status=1
    echo "# ${suite%.sh}: $(($(date +%s) - began)) s"
    ! daemon_lives || clean_up
done
echo "1..$(cat /run/tap-number)"
exit $status
