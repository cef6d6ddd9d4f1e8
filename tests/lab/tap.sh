# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# TAP for the suites that run inside dom0: sourced by them.  `xl` is the oracle: what xl-lite
# prints is compared with it byte for byte, but for what changes between any two runs.
# shellcheck disable=SC2181 # exit statuses and files are looked at together

# shellcheck source=tests/lab/await.sh
. /lab/await.sh

tap_number=0
tap_failed=0

report() { # STATUS TITLE [FILE...]: one result; the files are shown if it is a failure
    tap_number=$((tap_number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_number - $2"
        return
    fi
    echo "not ok $tap_number - $2"
    tap_failed=1
    shift 2
    for tap_file; do
        echo "# $tap_file:"
        sed 's/^/#   /' "$tap_file"
    done
}

tap_end() { # the end of a suite: without it, the suite has failed
    echo "1..$tap_number"
    exit $tap_failed
}

nothing_in() { # FILE: what is on stderr says nothing, or only that something takes its time
    ! grep -v '^xl-lite: [^ ]*: waiting for ' "$1"
}

mask() { # what changes between any two runs; a suite replaces it by what it needs
    cat
}

same() { # TITLE ARGUMENT...: both commands, masked, and the same exit status
    title=$1
    shift
    xl "$@" >xl.out 2>xl.err
    xl_status=$?
    xl-lite "$@" >lite.out 2>lite.err
    lite_status=$?
    mask <xl.out >xl.masked
    mask <lite.out >lite.masked
    [ -s xl.out ] && cmp -s xl.masked lite.masked && [ $xl_status -eq $lite_status ] && [ ! -s lite.err ]
    report $? "$title" xl.masked lite.masked lite.err
}

refused() { # STATUS PATTERN COMMAND...: nothing on stdout, one line on stderr, that exit status
    wanted=$1
    pattern=$2
    shift 2
    timeout 30 "$@" >lite.out 2>lite.err
    status=$?
    [ $status -eq "$wanted" ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] \
        && grep -q -- "$pattern" lite.err
    report $? "$* exits $wanted and says: $pattern" lite.out lite.err
}

shows() { # TITLE PATTERN ARGUMENT...: xl-lite prints a line of that pattern, nothing on stderr
    title=$1
    pattern=$2
    shift 2
    xl-lite "$@" >lite.out 2>lite.err
    [ $? -eq 0 ] && grep -qE -- "$pattern" lite.out && [ ! -s lite.err ]
    report $? "$title" lite.out lite.err
}

prints() { # TEXT ARGUMENT...: xl-lite prints that and nothing else
    wanted=$1
    shift
    xl-lite "$@" >lite.out 2>lite.err
    [ $? -eq 0 ] && [ "$(cat lite.out)" = "$wanted" ] && [ ! -s lite.err ]
    report $? "xl-lite $* prints $wanted" lite.out lite.err
}
