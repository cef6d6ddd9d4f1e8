#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What xl-lite's commands have beyond xl's, run inside dom0: options for scripts, everything of a
# domain, errors as JSON, colour, a guest's console.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

lab-guest --wait --vif --disk web || exit 1
lab-guest -p db 'vcpus=2' 'maxvcpus=3' || exit 1
nameless=$(lab-domain create --bare 1) || exit 1
web=$(xl domid web)
db=$(xl domid db)
uuid=$(xl list -v web | awk 'NR == 2 { print $7 }')

is() { # TITLE WANTED: what lite.out holds, on one line and without spaces, has that text
    tr -d ' \n' <lite.out | grep -qF -- "$2" && [ ! -s lite.err ]
    report $? "$1" lite.out lite.err
}

# ---- Tables without headers, one field ----

for command in list "list -v" vcpu-list network-list block-list console-list network2-list uptime; do
    # shellcheck disable=SC2086 # words
    xl-lite $command db web | sed '1d; s/ *[0-9:]*$//; s/ *[0-9-]* *[r-][b-][p-].*//' >wanted
    # shellcheck disable=SC2086 # words
    xl-lite $command --no-headers db web >lite.out 2>lite.err
    sed 's/ *[0-9:]*$//; s/ *[0-9-]* *[r-][b-][p-].*//' lite.out >rows
    cmp -s wanted rows && [ ! -s lite.err ] && { [ -s rows ] || [ "$command" = network2-list ]; }
    report $? "$command --no-headers" wanted lite.out lite.err
done
xl list | awk 'NR > 1 && $1 != "(null)" { print $1 }' >wanted
xl-lite list -o name >lite.out
cmp -s wanted lite.out
report $? "list -o name: those that have one" wanted lite.out
xl list | awk 'NR > 1 { print $2 }' >wanted
xl-lite list -o id >lite.out
cmp -s wanted lite.out
report $? "list -o id: all" wanted lite.out
xl-lite list --output=uuid web >lite.out
[ "$(cat lite.out)" = "$uuid" ]
report $? "list --output=uuid of one" lite.out
xl-lite list -o name "$db" web >lite.out
[ "$(cat lite.out)" = "$(printf 'db\nweb')" ]
report $? "list -o name of two, in that order" lite.out
xl-lite list -o id 0 web db | xargs -n1 xl-lite domname >lite.out
[ "$(cat lite.out)" = "$(printf 'Domain-0\nweb\ndb')" ]
report $? "list -o id feeds domname" lite.out
xl-lite list -o uuid | sed 's/^/uuid:/' | xargs xl-lite list -o id >lite.out
cmp -s wanted lite.out
report $? "list -o uuid feeds uuid:" wanted lite.out
xenstore-write "/local/domain/$db/name" "$(printf 'a b\nc\\\\d')"
prints 'a b\x0ac\x5cd' list -o name "$db"
xl-lite list -o id "name:$(printf '%b' "$(xl-lite list -o name "$db")")" >lite.out
[ "$(cat lite.out)" = "$db" ]
report $? "what printf '%b' makes of a name is the name" lite.out
xenstore-write "/local/domain/$db/name" db
refused 2 "'mac' is nothing that -o prints" xl-lite list -o mac
refused 2 "-o does not go with" xl-lite list -o id --long
refused 1 "'nosuch'" xl-lite list -o id nosuch

# ---- Everything of a domain ----

xl-lite list -l web >lite.out 2>lite.err
is "list -l: the domain" '{"schema":1,"num_cpus":2,"domains":[{"domid":'"$web"',"name":"web","uuid":"'"$uuid"'","hvm":false,'
is "list -l: its vcpus" '"vcpus":[{"vcpu":0,"online":true,'
is "list -l: its interface" '"nics":[{"devid":0,"backend_domid":0,"mac":"00:16:3e:00:00:01","state":4,'
is "list -l: its disk" '"disks":[{"devid":51712,"backend_domid":0,"state":4,'
is "list -l: its console" '"consoles":[{"devid":0,"backend_domid":0,"state":null,'
is "list -l: its other devices" '"net2":[]'
grep -q '"uptime_s": [0-9]' lite.out
report $? "list -l: its uptime" lite.out
xl-lite list -l 0 db web db >lite.out 2>lite.err
[ "$(grep -c '"uuid"' lite.out)" -eq 4 ] && [ "$(grep -c '"mac"' lite.out)" -eq 1 ] \
    && [ "$(grep -c '"vcpu":' lite.out)" -eq "$(($(xl vcpu-list 0 web db db | wc -l) - 1))" ] \
    && [ ! -s lite.err ]
report $? "list -l: each domain has its own, even one that is named twice" lite.out
xl-lite list -l >lite.out 2>lite.err
[ "$(grep -c '"uuid"' lite.out)" -eq "$(xl-lite list --no-headers | wc -l)" ] && [ ! -s lite.err ] \
    && grep -q '"name": null' lite.out
report $? "list -l: all domains" lite.out lite.err
xl-lite list -l web | sed 's/"\(uptime_s\|cpu_time_ns\)": [0-9]*/"\1"/; /"running"\|"blocked"\|"cpu":/d' >wanted
xl-lite domain-show --json web | sed 's/"\(uptime_s\|cpu_time_ns\)": [0-9]*/"\1"/; /"running"\|"blocked"\|"cpu":/d' >lite.out
cmp -s wanted lite.out
report $? "domain-show --json is list -l of one" wanted lite.out

xl-lite domain-show web >show.out 2>lite.err
for line in 'name +: web' "domid +: $web" "uuid +: $uuid" 'type +: PV' 'state +: (running|blocked|-)' \
    'memory +: 96 MiB' 'vcpus_online +: 1' 'cpu_time +: [0-9]+\.[0-9] s' 'uptime +:  ?[0-9]+:[0-9]{2}:[0-9]{2}' \
    'cpupool +: 0' 'security_label +: -' 'vcpu 0' 'hard_affinity +: all' 'network interface 0' \
    'mac +: 00:16:3e:00:00:01' 'state +: 4 \(connected\)' 'disk 51712' 'vdev +: xvda' 'mode +: w' \
    'console 0' 'tty +: /dev/pts/[0-9]+'; do
    grep -qE "^$line\$" show.out && [ ! -s lite.err ]
    report $? "domain-show: $line" show.out lite.err
done
shows "domain-show of a domain without a name" '^name +: \(null\)$' domain-show "$nameless"
shows "domain-show of a paused one" '^state +: paused$' domain-show db
shows "domain-show of a vcpu that is not online" '^state +: offline$' domain-show db
shows "domain-show of dom0" '^max_memory +: (unlimited|[0-9]+ MiB)$' domain-show 0
xenstore-write "/local/domain/$web/device/vif/0/tx-ring-ref" "$(printf '1\033[31m')" \
    "/local/domain/0/backend/vif/$web/0/bridge" "$(printf 'br\033[31m\n0')"
shows "domain-show: what a guest wrote for a number" '^tx_ring_ref +: -$' domain-show web
shows "domain-show: control characters" '^bridge +: br\\x1b\[31m\\x0a0$' domain-show web
refused 2 "domain-show: it takes one argument" xl-lite domain-show
refused 2 "domain-show: it takes one argument" xl-lite domain-show web db
refused 1 "domain-show: no domain is named 'nosuch'" xl-lite domain-show nosuch
xl-lite domain-show --json nosuch 2>lite.err | tr -d ' \n' >lite.out
[ "$(cat lite.out)" = '{"schema":1,"num_cpus":2,"domains":[]}' ] && grep -q '"code":"not_found"' lite.err
report $? "domain-show --json without a domain is JSON" lite.out lite.err

# ---- domid and domname as JSON ----

for command in "domid web" "domname $web"; do
    # shellcheck disable=SC2086 # words
    xl-lite $command --json >lite.out 2>lite.err
    is "$command --json" '{"schema":1,"domid":'"$web"',"name":"web"}'
done

# ---- Errors ----

json_error() { # TITLE WANTED ARGUMENT...: one line on stderr that begins so, stdout empty or JSON
    title=$1
    wanted=$2
    shift 2
    xl-lite "$@" --json >lite.out 2>lite.err
    [ $? -eq 1 ] && [ "$(wc -l <lite.err)" -eq 1 ] && [ "$(cut -c "-${#wanted}" lite.err)" = "$wanted" ] \
        && { [ ! -s lite.out ] || head -n 1 lite.out | grep -q '^{'; }
    report $? "$title" lite.out lite.err
}
json_error "an absent domain" '{"schema":1,"error":{"code":"not_found","command":"list","domains":["nosuch"],"message":"no domain is named ' list nosuch web
json_error "no such domid" '{"schema":1,"error":{"code":"not_found","command":"uptime","domains":["31999"],"message":"there is no domain 31999' uptime 31999
json_error "what is no domain" '{"schema":1,"error":{"code":"invalid","command":"vcpu-list","domains":["id:x"],"message":' vcpu-list id:x
json_error "a domain without a name" '{"schema":1,"error":{"code":"no_name","command":"domname","domains":["'"$nameless"'"],"message":' domname "$nameless"
xenstore-write "/local/domain/$nameless/name" web
json_error "a name of two" '{"schema":1,"error":{"code":"ambiguous","command":"domain-show","domains":["web"],"message":"several domains are named '"'web'"': use one of the domids '"$web, $nameless\"}}" domain-show web
refused 1 "^xl-lite: block-list: several domains are named 'web': use one of the domids $web, $nameless" xl-lite block-list web
xenstore-rm "/local/domain/$nameless/name"
json_error "control characters in what was asked for" '{"schema":1,"error":{"code":"not_found","command":"list","domains":["\u001b[31m"],' list "$(printf '\033[31m')"

# ---- Colour ----

on_terminal() { # [VARIABLE=VALUE...] COMMAND...: what it prints on a terminal
    lab-pty -- env "$@" | tr -d '\r'
}
esc=$(printf '\033')
on_terminal TERM=xterm xl-lite list 0 db >lite.out
grep -q "^$esc\[1mName .*Time(s)$esc\[0m\$" lite.out && grep -q "^db .* --$esc\[33mp$esc\[0m---  " lite.out \
    && grep -q "^Domain-0 .* $esc\[32mr$esc\[0m-----  " lite.out
report $? "on a terminal: a bold header, letters in colour" lite.out
for plain in "TERM=xterm NO_COLOR=1" "TERM=dumb" "-u TERM" "TERM=xterm NO_COLOR=1 COLORTERM=truecolor"; do
    # shellcheck disable=SC2086 # words
    on_terminal $plain xl-lite list db >lite.out
    xl-lite list db >wanted
    cmp -s wanted lite.out
    report $? "no colour with $plain" wanted lite.out
done
on_terminal TERM=xterm xl-lite list --color=never db >lite.out
cmp -s wanted lite.out
report $? "no colour with --color=never" wanted lite.out
TERM=xterm xl-lite list db >lite.out
cmp -s wanted lite.out
report $? "no colour in a file" wanted lite.out
on_terminal TERM=xterm xl-lite domid web >lite.out
[ "$(cat lite.out)" = "$web" ]
report $? "no colour but in tables" lite.out
for command in list vcpu-list block-list uptime; do
    NO_COLOR=1 xl-lite $command --color=always db >lite.out
    xl-lite $command db | head -n 1 >wanted
    head -n 1 lite.out | sed "s/^$esc\[1m\(.*\)$esc\[0m\$/\1/" >header
    cmp -s wanted header && grep -q "^$esc" lite.out
    report $? "$command --color=always" wanted lite.out
done

# ---- A reader that goes away ----

mkfifo pipe
for command in "list -l" list vcpu-list "domain-show web" info; do
    true <pipe &
    exec 4>pipe
    wait $!
    # shellcheck disable=SC2086 # words
    xl-lite $command >&4 2>lite.err
    [ $? -eq 141 ] && [ ! -s lite.err ]
    report $? "$command into a pipe that was closed" lite.err
    exec 4>&-
done

# ---- A guest's console ----

# What it said is kept for the first who attaches.
timeout 360 lab-pty 'lab guest is up' "$(printf '\035')" -- xl-lite console web >lite.out 2>lite.err
report $? "console: what the guest says, until Ctrl-] is typed" lite.out lite.err
xl-lite unpause db
timeout 360 lab-pty 'lab guest is up' "$(printf '\035')" -- xl-lite console --escape db >lite.out 2>lite.err
report $? "console --escape: the same" lite.out lite.err
refused 1 "console: no domain is named 'nosuch'" xl-lite console nosuch
refused 1 "console: domain 0 has no console" xl-lite console 0
refused 1 "console: 'Domain-0': domain 0 has no console" xl-lite console Domain-0 -t pv

# Which console that is, as what is started sees it.
tools=$(readlink /usr/lib/xen)/bin
mv "$tools/xenconsole" xenconsole
refused 1 "console: cannot attach to 'web': there is no xenconsole" xl-lite console web
printf '#!/bin/sh\necho "$0 $*"\nls /proc/self/fd\nexit 7\n' >fake && chmod +x fake
starts() { # TITLE WANTED ARGUMENT...: the arguments that xenconsole gets; its status is ours
    title=$1
    wanted=$2
    shift 2
    xl-lite console "$@" >lite.out 2>lite.err
    [ $? -eq 7 ] && [ "$(head -n 1 lite.out)" = "$wanted" ] && [ ! -s lite.err ]
    report $? "$title" lite.out lite.err
}
served() { # DOMID NODE: as a daemon that serves it would say
    xenstore-write "/local/domain/$1/$2/tty" /dev/null
}
mkdir -p bin && cp fake bin/xenconsole
PATH=$PWD/bin:$PATH starts "console: xenconsole found in PATH" "$PWD/bin/xenconsole $web --num 0 --type pv" web
cp fake "$tools/xenconsole"
fake=$tools/xenconsole
PATH=$PWD/bin:$PATH starts "console: the running Xen's goes first" "$fake $web --num 0 --type pv" web
sed 1d lite.out >got
"$fake" | sed 1d >wanted
cmp -s wanted got
report $? "it inherits no descriptor of ours" wanted got
served "$web" serial/0
starts "console -t" "$fake $web --num 0 --type serial" -t serial web
served "$web" device/console/2
starts "console -n" "$fake $web --num 2 --type pv" -n 2 web
if xl help console | grep -q '^ *-e'; then
    starts "console -e" "$fake $web --num 0 --type pv --escape ^a" -e ^a web
else
    refused 1 "console: .*Xen 4\.1[0-7] has no -e, which came with 4.18; Ctrl-] detaches" xl-lite console -e ^a web
fi
xenstore-write "/libxl/$nameless/type" pvh
served "$nameless" console
starts "console of a PV domain whose node says something else" "$fake $nameless --num 0 --type pv" "$nameless"
lab-guest -p --idle hvm 'type="pvh"' || exit 1
hvm=$(xl domid hvm)
starts "console of a PVH domain" "$fake $hvm --num 0 --type pv" hvm
xenstore-write "/libxl/$hvm/type" hvm
served "$hvm" serial/0
starts "console of an HVM domain: its serial port" "$fake $hvm --num 0 --type serial" hvm
xenstore-write "/local/domain/$hvm/image/device-model-domid" "$db"
served "$db" device/console/3
starts "console of a domain with a domain for its device model" "$fake $db --num 3 --type pv" "$hvm"
starts "console -t: the domain's own" "$fake $hvm --num 0 --type serial" -t serial "$hvm"
xenstore-write "/local/domain/$hvm/image/device-model-domid" 99999
starts "console: no such domain for the device model" "$fake $hvm --num 0 --type serial" "$hvm"
xenstore-write "/libxl/$hvm/type" pvh
mv xenconsole "$tools/xenconsole"

# No console is served: no terminal, or one whose daemon has ended.
refused 1 "console: 'web': no console is served: domain $web has no terminal for its pv console 7" \
    timeout 30 xl-lite console -n 7 web
tty=$(xenstore-read "/local/domain/$web/console/tty")
xenstore-write "/local/domain/$web/console/tty" /dev/pts/4000
refused 1 "console: 'web': no console is served: cannot open its terminal '/dev/pts/4000'" \
    timeout 30 xl-lite console web
xenstore-write "/local/domain/$web/console/tty" "$tty"

# What a guest prints; a terminal of ours stands for the guest's.
printf '#!/bin/sh\nprintf "a\\033[31mb\\r\\n\\tc\\rd\\303\\244\\302\\233e\\200\\r"\nexit 7\n' >fake
chmod +x fake && mv "$tools/xenconsole" xenconsole && cp fake "$tools/xenconsole"
xl-lite console --escape web >got
[ $? -eq 7 ] && printf 'a\\x1b[31mb\r\n\tc\\x0dd\303\244\\xc2\\x9be\\x80\\x0d' | cmp -s - got
report $? "console --escape: control characters as text, and lines, tabs and UTF-8" got
xl-lite console web >got
[ $? -eq 7 ] && "$tools/xenconsole" | cmp -s - got
report $? "console: without it, what the guest prints" got
mv xenconsole "$tools/xenconsole"

tap_end
