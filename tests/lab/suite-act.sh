#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is done to running domains, run inside dom0: whether it is done, to whom, and what is said.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

lab-guest --idle web || exit 1
lab-guest --idle db || exit 1
web=$(xl domid web)
db=$(xl domid db)
uuid=$(xl list -v web | awk 'NR == 2 { print $7 }')
db_uuid=$(xl list -v db | awk 'NR == 2 { print $7 }')

is_paused() { # DOMAIN: by xl
    [ "$(xl list "$1" | awk 'NR == 2 { print substr($5, 3, 1) }')" = p ]
}
runs() {
    ! is_paused "$1"
}

# does TITLE COMMAND ARGUMENT... = DOMAIN...: silent, and done to those domains; exit status 0
does() {
    title=$1
    shift
    command=$1
    words=
    while [ "$1" != = ]; do
        words="$words $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # words
    xl-lite $words >lite.out 2>lite.err
    result=$?
    [ ! -s lite.out ] && [ ! -s lite.err ] || result=1
    for domain; do
        if [ "$command" = pause ]; then is_paused "$domain"; else runs "$domain"; fi || result=1
    done
    xl list >xl.out
    report $result "$title" xl.out lite.out lite.err
}

# ---- Done ----

does "pause NAME" pause web = web
runs db
report $? "pause: nobody else"
does "unpause NAME" unpause web = web
does "pause DOMID" pause "$web" = web
does "unpause DOMID" unpause "id:$web" = web
does "pause name:" pause name:web = web
does "unpause uuid:" unpause "uuid:$uuid" = web
does "pause uuid:" pause "uuid:$uuid" = web
xl unpause web
runs web
report $? "pause: xl unpauses it"
xl pause web
does "unpause of what xl paused" unpause web = web
does "pause of several" pause web "$db" = web db
does "unpause of several" unpause "uuid:$db_uuid" web = web db
does "pause of one that is named twice" pause web "$web" name:web = web
does "unpause of one that was named twice" unpause web = web

# ---- As xl leaves it ----

# Whether its vcpus ran or were blocked when it was paused is a matter of chance.
row() {
    xl list db | awk 'NR == 2 { print $1, $2, $3, $4, substr($5, 3) }'
}

lab-ls -p >nodes
xl pause db
row >wanted
xl unpause db
xl-lite pause db
row >got
cmp -s wanted got
report $? "pause: a domain's row is as xl's pause leaves it" wanted got
lab-ls -p >after
cmp -s nodes after
report $? "pause: xenstore is as it was" nodes after
xenstore-ls -fp | sed 's/"  *(/" (/' >wanted
cmp -s wanted after
report $? "lab-ls -p lists what xenstore-ls -fp does" wanted after
xl-lite unpause db

# ---- Failures ----

xl unpause db >xl.out 2>&1
echo "# xl unpause of one that is not paused: exit status $?, $(cat xl.out)"

# fails TITLE PATTERN ARGUMENT...: exit status 1, nothing on stdout, one line on stderr
fails() {
    title=$1
    pattern=$2
    shift 2
    xl-lite "$@" >lite.out 2>lite.err
    [ $? -eq 1 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -q -- "$pattern" lite.err
    report $? "$title" lite.out lite.err
}

fails "unpause of one that is not paused" "^xl-lite: unpause: cannot unpause domain $web ('web'): it is not paused$" \
    unpause web
fails "pause of several, one of which is none" "pause: no domain is named 'nosuch'; .xl-lite list. shows" pause web nosuch db
is_paused web && is_paused db
report $? "pause: the others are done"
fails "unpause of several, one of which is no domain" "there is no domain 32000" unpause 32000 web db
runs web && runs db
report $? "unpause: the others are done"
fails "pause of domain 0" "cannot pause domain 0 ('Domain-0'): it is the domain that asks" pause 0
xl-lite pause web && xl-lite pause web
fails "unpause of one that was paused twice" "'web': domain $web is still paused: it was paused more than once" unpause web
is_paused web
report $? "unpause: it is"
does "unpause of one that was paused twice, again" unpause web = web
refused 2 "it takes at least one argument, a domain" xl-lite pause
refused 2 "it takes at least one argument, a domain" xl-lite unpause --dry-run
refused 1 "pause: '': an empty text names no domain" xl-lite pause ""

grep -q '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
start-stop-daemon -S -c nobody -x /usr/bin/xl-lite -- pause web >lite.out 2>lite.err
[ $? -eq 1 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && runs web \
    && grep -q "pause: 'web': permission denied.*run this as root" lite.err
report $? "pause: an unprivileged user is told to be root" lite.out lite.err

XENSTORED_PATH=/nonexistent xl-lite pause "$web" >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ ! -s lite.err ] && is_paused web
report $? "pause of a domid, without xenstored" lite.out lite.err
XENSTORED_PATH=/nonexistent xl-lite unpause "$web" db >lite.out 2>lite.err
[ $? -eq 1 ] && [ ! -s lite.out ] && grep -q "'db': cannot reach xenstored" lite.err && runs web
report $? "unpause of a name, without xenstored" lite.out lite.err

# ---- What is said ----

printf '%s (domain %s): hypercall XEN_DOMCTL_pausedomain\n' web "$web" db "$db" >wanted
xl-lite pause --dry-run web db web >lite.out 2>lite.err
[ $? -eq 0 ] && cmp -s wanted lite.out && [ ! -s lite.err ]
report $? "pause --dry-run" wanted lite.out lite.err
runs web && runs db
report $? "pause --dry-run pauses nothing"
fails "pause --dry-run of no domain" "no domain is named 'nosuch'" pause --dry-run nosuch

said() { # TITLE STATUS WANTED ARGUMENT...: that JSON, without spaces
    title=$1
    status=$2
    wanted=$3
    shift 3
    xl-lite "$@" >lite.json 2>lite.err
    [ $? -eq "$status" ] && [ "$(tr -d '\n' <lite.json | sed 's/": /":/g; s/  *"/"/g; s/  *\([]{}[]\)/\1/g')" = "$wanted" ]
    report $? "$title" lite.json lite.err
}

said_of() { # ARGUMENT DOMID NAME UUID DONE STEPS
    echo "{\"argument\":\"$1\",\"domid\":$2,\"name\":\"$3\",\"uuid\":\"$4\",\"done\":$5,\"steps\":[$6],\"notes\":[],\"error\":null}"
}

said "pause --json" 0 "{\"schema\":1,\"command\":\"pause\",\"dry_run\":false,\"outcomes\":[$(said_of web "$web" web "$uuid" true ''),$(said_of "$db" "$db" db "$db_uuid" true '')]}" \
    pause --json web "$db"
said "unpause --json --dry-run" 0 "{\"schema\":1,\"command\":\"unpause\",\"dry_run\":true,\"outcomes\":[$(said_of web "$web" web "$uuid" false '{"step":"hypercall","target":"XEN_DOMCTL_unpausedomain","value":null}')]}" \
    unpause --json --dry-run web
is_paused web
report $? "unpause --dry-run unpauses nothing"
said "unpause --json of several, one of which is none" 1 "{\"schema\":1,\"command\":\"unpause\",\"dry_run\":false,\"outcomes\":[{\"argument\":\"nosuch\",\"domid\":null,\"name\":null,\"uuid\":null,\"done\":false,\"steps\":[],\"notes\":[],\"error\":{\"code\":\"not_found\",\"message\":\"no domain is named 'nosuch'\"}},$(said_of db "$db" db "$db_uuid" true '')]}" \
    unpause --json nosuch db
grep -q '^{"schema":1,"error":{"code":"not_found","command":"unpause","domains":\["nosuch"\],' lite.err && [ "$(wc -l <lite.err)" -eq 1 ]
report $? "unpause --json: the error is on stderr, too" lite.err
xl-lite unpause web

# ---- Who is meant: a guest made anew beside what is left of it ----

cat >anew.sh <<'END'
xl destroy "$1"
lab-guest -p --idle web "uuid=\"$2\"" || exit 1
anew=$(xl domid web)
echo "$anew" >anew
xl list >xl.out
xl-lite list -o id "uuid:$2" >found 2>&1
xl-lite unpause "uuid:$2" >by-uuid 2>&1 && xl-lite pause web >by-name 2>&1
echo $? >status
xl list "$anew" | awk 'NR == 2 { print substr($5, 3, 1) }' >state
xl-lite pause "$1" >dying 2>&1
echo $? >>dying
xl-lite pause --dry-run "$1" >dry 2>&1
echo $? >>dry
xl pause "$1" >xl-dying 2>&1
echo $? >>xl-dying
END
lab-domain hold "$web" sh anew.sh "$web" "$uuid" >hold.out 2>&1
anew=$(cat anew)
awk -v id="$web" '$2 == id && $5 ~ /d$/ { found = 1 } END { exit !found }' xl.out && [ "$(cat found)" = "$anew" ]
report $? "list uuid: the living one, beside the dying one" xl.out found hold.out
[ "$(cat status)" -eq 0 ] && [ "$(cat state)" = p ] && [ ! -s by-uuid ] && [ ! -s by-name ]
report $? "unpause uuid:, pause NAME: the living one" status state by-uuid by-name
[ "$(wc -l <dying)" -eq 2 ] && grep -q "^xl-lite: pause: cannot pause domain $web: it is dying$" dying && tail -n 1 dying | grep -qx 1
report $? "pause of one that is dying" dying
[ "$(wc -l <dry)" -eq 2 ] && grep -q "domain $web: it is dying$" dry && tail -n 1 dry | grep -qx 1
report $? "pause --dry-run of one that is dying" dry
echo "# xl pause of one that is dying, and its exit status: $(tr '\n' ' ' <xl-dying)"
fails "pause of a domain that is gone" "there is no domain $web" pause "$web"

# ---- A domid that is another domain's by now, through the library ----

test-xll --tap -p /xll/act >tap.out 2>&1
status=$?
[ $status -eq 0 ] && [ "$(grep -c '^ok' tap.out)" -ge 3 ]
report $? "test-xll's actions" tap.out

tap_end
