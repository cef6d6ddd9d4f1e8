#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Domains, the host, names and the libraries.  It comes last in a boot: see its end.
set -u
# shellcheck source=tests/lab/tap.sh
. /lab/suites/tap.sh

# The CPU time, and whether a domain is running or blocked, are of the moment.
mask() {
    sed -E 's/ [r-][b-]([p-][s-][^ ][d-]) +[0-9]+\.[0-9]/ **\1 */'
}

domid_of() {
    xl domid "$1"
}

# ---- Domains in every state ----

lab-guest --idle running || exit 1
lab-guest -p --idle paused || exit 1
lab-guest -p --idle dying || exit 1
lab-guest -p --idle "a-name-that-is-longer-than-the-forty-columns-it-has" || exit 1
nameless=$(lab-domain create --bare 1) || exit 1

same "list: dom0, a running, a paused and a nameless domain" list
grep -q '^(null)' lite.out
report $? "a domain without a name is shown as (null)" lite.out
xl list | grep '^paused' >xl.out
xl-lite list | grep '^paused' >lite.out
[ -s xl.out ] && cmp -s xl.out lite.out
report $? "a paused domain's row is the same with nothing masked" xl.out lite.out
same "list -v" list -v
same "list NAME" list running
same "list DOMID" list "$(domid_of running)"
same "list of a nameless domain by its domid" list "$nameless"
same "domid" domid running
same "domname" domname "$(domid_of running)"
prints "0" domid Domain-0
prints "Domain-0" domname 0

xl-lite list running paused >lite.out 2>lite.err
[ $? -eq 0 ] && [ "$(wc -l <lite.out)" -eq 3 ]
report $? "list takes several domains" lite.out lite.err
xl-lite list running nosuch paused >lite.out 2>lite.err
[ $? -eq 1 ] && [ "$(wc -l <lite.out)" -eq 3 ] && grep -q "'nosuch'" lite.err
report $? "list shows those there are, and names the one there is not" lite.out lite.err

xl-lite list --json >lite.out 2>lite.err
[ $? -eq 0 ] && grep -q '"schema": 1' lite.out && grep -q '"name": null' lite.out \
    && grep -q '"name": "running"' lite.out
report $? "list --json has a schema, names, and null for no name" lite.out lite.err

# ---- A dying domain: something still holds one of its pages ----

cat >while-dying.sh <<'END'
xl destroy "$1"
xl list >xl.out
xl-lite list >lite.out
END
id=$(domid_of dying)
lab-domain hold "$id" sh while-dying.sh "$id" >hold.out 2>&1
mask <xl.out >xl.masked
mask <lite.out >lite.masked
cmp -s xl.masked lite.masked && grep -q "d  *[0-9.]*$" lite.out
report $? "list: a dying domain" xl.masked lite.masked hold.out

# ---- The host ----

# Of a domain that is gone Xen takes back the memory bit by bit.
is_settled() {
    was=${now-}
    now=$(xl info | grep '^free_memory')
    [ "$was" = "$now" ]
}
without_memory() { # FILE
    grep -v '^free_memory' "$1"
}

await is_settled
same "info" info
xl-lite info --json >lite.out 2>lite.err
[ $? -eq 0 ] && grep -q '"nr_cpus": 2' lite.out && grep -q '"free_memory_kib": [0-9]' lite.out
report $? "info --json" lite.out lite.err
export LD_PRELOAD=/lab/other-version.so OTHER_XEN=long
same "info: texts that are cut off before 4.20, and no build id" info
unset LD_PRELOAD OTHER_XEN
[ "$(awk '/^xen_commandline/ { print length($3) }' lite.out)" -ge 1023 ]
report $? "info: as much of the command line as this release asks for" lite.out
xl-lite info >lite.out && without_memory lite.out >wanted
LD_PRELOAD=/lab/other-version.so OTHER_XEN=old xl-lite info >lite.out 2>lite.err
without_memory lite.out | cmp -s - wanted && [ ! -s lite.err ]
report $? "info: a hypervisor without the calls for long texts" wanted lite.out lite.err

# ---- Nothing turns into domain 0 by mistake ----

for bad in "" -1 +1 " 1" 1x 4294967296 65536 32752 0x0 00000000000000000000000x; do
    refused 1 "xl-lite: " xl-lite list -- "$bad"
done
for bad in "" nosuch 0; do
    refused 1 "xl-lite: " xl-lite domid "$bad"
done
for bad in 4294967296 65536 32752 32000; do
    refused 1 "there is no domain $bad" xl-lite domname "$bad"
done
refused 1 "no name" xl-lite domname "$nameless"

# ---- Names that are not to be trusted ----

long=$(domid_of paused)
xenstore-write "/local/domain/$long/name" "$(printf 'a\033[31m\tb\177c')"
xl-lite list >lite.out
grep -q '^a\\x1b\[31m\\x09b\\x7fc ' lite.out && ! tr -d '\n\t' <lite.out | grep -q "$(printf '[\001-\037\177]')"
report $? "control characters in a name are escaped" lite.out
xl-lite list --json | grep -q '"name": "a\\u001b\[31m\\tb'
report $? "and exact in JSON"
xenstore-write "/local/domain/$long/name" paused

# ---- When something is missing ----

echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
unprivileged() {
    start-stop-daemon -S -c nobody -x /usr/bin/xl-lite -- "$@"
}
for command in list info; do
    unprivileged $command >lite.out 2>lite.err
    status=$?
    [ $status -eq 1 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] \
        && grep -q 'permission denied.*run this as root' lite.err
    report $? "an unprivileged user is told to be root ($command)" lite.out lite.err
done
for command in list info; do
    refused 1 "built for another Xen" env LD_PRELOAD=/lab/other-version.so xl-lite $command
done

# ---- The libraries ----

xsutil-example >lite.out 2>&1 && xsutil-example >lite.out 2>&1 && grep -q 'run number 2' lite.out \
    && [ "$(xenstore-read /tool/xsutil-example/names/0)" = Domain-0 ] && xsutil-example --clean
report $? "the example reads, writes, lists and counts in a transaction" lite.out
for id in $(lab-domain create 2 twin-); do
    xenstore-write "/local/domain/$id/name" twin
done
refused 1 "several domains are named 'twin'" xl-lite domid twin
lab-domain create --bare 1100 >/dev/null || exit 1
test-xll --tap >tap.out 2>&1
status=$?
grep -E '^(not )?ok' tap.out >results
while read -r line; do
    case $line in ok*) result=0 ;; *) result=1 ;; esac
    report $result "test-xll ${line##* }"
done <results
[ "$status" -eq 0 ] && [ "$(wc -l <results)" -ge 14 ]
report $? "test-xll ends well" tap.out
xl-lite list >lite.out
[ "$(wc -l <lite.out)" -gt 1100 ]
report $? "xl-lite lists more than 1,024 domains"

# ---- Last, as it does not come back: no daemon ----

xl-lite info >lite.out && without_memory lite.out >before.out
xl-lite list -o id >ids
vcpus=$(xl-lite vcpu-list --no-headers 0 | wc -l)
xl-lite events --existing >events.out 2>events.err &
await grep present events.out
kill -9 "$(cat /run/xen/xenstored.pid)"
unnamed() { # STATUS: what of lite.out and lite.err tells that xenstored is away
    [ "$1" -eq 1 ] && [ -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] \
        && grep -q "names are unknown: cannot reach xenstored" lite.err
}
xl-lite list --no-headers >lite.out 2>lite.err
unnamed $? && ! grep -v '^? ' lite.out && awk '{ print $2 }' lite.out | cmp -s - ids
report $? "list without xenstored shows all domains, ? for their names, and says why" lite.out lite.err
xl-lite list --json 0 >lite.out 2>lite.err
unnamed $? && cp lite.out lite.json && lab-sane lite.json && grep -q '"name": null' lite.out \
    && grep -q '^{.*"xenstore"' lite.err
report $? "list --json without xenstored has null for a name" lite.out lite.err
xl-lite vcpu-list --no-headers 0 >lite.out 2>lite.err
unnamed $? && [ "$(wc -l <lite.out)" -eq "$vcpus" ] && ! grep -v '^? ' lite.out
report $? "vcpu-list without xenstored shows the vcpus" lite.out lite.err
refused 1 "cannot reach xenstored" xl-lite list running
refused 1 "there is no domain 32000" xl-lite list 32000
refused 1 "cannot reach xenstored" xl-lite list -l
refused 1 "cannot reach xenstored" xl-lite domid running
xl-lite info >lite.out 2>lite.err
[ $? -eq 1 ] && without_memory lite.out | cmp -s - before.out && [ "$(wc -l <lite.err)" -eq 1 ] \
    && grep -q "info: cannot reach xenstored" lite.err
report $? "info does without xenstored, and says that it is away" before.out lite.out lite.err
refused 1 "cannot reach xenstored" xl-lite events
await grep 'Z lost$' events.out
[ "$(grep -c 'Z lost$' events.out)" -eq 1 ] && kill $! && { wait $!; [ $? -eq 143 ]; }
report $? "events says that xenstored is away, once, goes on, and can be ended" events.out events.err

tap_end
