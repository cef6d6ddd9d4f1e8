#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lists of what domains have.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. /lab/suites/tap.sh

mask() { # a vcpu's CPU, state and time, unless it is not online; the time of day, an uptime
    sed -E 's/ +[0-9]+ +[r-][b-]- +[0-9]+\.[0-9]  / CPU STA TIME  /
            s/^ [0-9:]{8} up  [0-9]:[0-9]{2},/ NOW up TIME,/; s/ [ 0-9][0-9]:[0-9]{2}:[0-9]{2}$/ TIME/'
}

lab-guest --wait --vif --disk web || exit 1
lab-guest -p --idle --vif --vif --disk db 'vcpus=2' 'maxvcpus=3' || exit 1
lab-domain create --bare 1 >nameless || exit 1
nameless=$(cat nameless)
web=$(xl domid web)
db=$(xl domid db)

# ---- Vcpus ----

same "vcpu-list: all domains" vcpu-list
same "vcpu-list of a name and a domid" vcpu-list db "$web"
same "vcpu-list of a domain without a name" vcpu-list "$nameless"
xl vcpu-list db >xl.out
xl-lite vcpu-list db >lite.out
cmp -s xl.out lite.out && [ "$(wc -l <lite.out)" -eq 4 ]
report $? "vcpu-list of a paused domain is the same with nothing masked" xl.out lite.out
xl vcpu-pin db 0 0 1 && xl vcpu-pin db 1 1 0-1
same "vcpu-list: hard and soft affinity" vcpu-list db
grep -q '  0 / 1$' lite.out && grep -q '  1 / all$' lite.out
report $? "affinities are 0 / 1 and 1 / all" lite.out
xl-lite vcpu-list --json db | tr -d ' \n' >lite.out
grep -q '"schema":1,"num_cpus":2,"vcpus":\[{"domid":'"$db"',"name":"db","vcpu":0,' lite.out \
    && grep -q '"hard_affinity":\[0\],"soft_affinity":\[1\]' lite.out \
    && grep -q '"hard_affinity":\[1\],"soft_affinity":\[0,1\]' lite.out
report $? "vcpu-list --json" lite.out
shows "a domain without a name has null for it in JSON" '"name": null' vcpu-list --json "$nameless"
xl-lite vcpu-list db nosuch web >lite.out 2>lite.err
[ $? -eq 1 ] && [ "$(wc -l <lite.out)" -eq 5 ] && grep -q "'nosuch'" lite.err
report $? "vcpu-list shows the domains there are, and names the one there is not" lite.out lite.err

# ---- Devices ----

connected() { # COMMAND: the device of web reached state 4
    xl "$1" web | awk -v column="$2" 'NR == 2 && $column == 4 { found = 1 } END { exit !found }'
}
await connected network-list 5 && await connected block-list 4
report $? "a guest's interface and disk reach state 4"

for command in network-list block-list; do
    same "$command NAME, connected" $command web
    same "$command DOMID" $command "$web"
    same "$command of a domain whose devices are not connected" $command db
    same "$command of a domain without devices" $command 0
    same "$command of a domain without a name" $command "$nameless"
    xl-lite $command >lite.out 2>lite.err
    { xl $command web && xl $command db; } | grep -v '^Idx\|^Vdev' >xl.out
    sed -n '2,$s/^\(web\|db\)  *[0-9]* //p' lite.out >lite.rows
    [ -s xl.out ] && cmp -s xl.out lite.rows && grep -q '^Name  *ID \(Idx\|Vdev\)' lite.out
    report $? "$command of all domains has xl's rows behind name and domid" lite.out xl.out lite.err
    xl-lite $command web db >lite.out 2>lite.err
    sed -n '2,$s/^\(web  *'"$web"'\|db  *'"$db"'\) //p' lite.out >lite.rows
    xl $command web db | grep -v '^Idx\|^Vdev' >xl.out
    [ -s xl.out ] && cmp -s xl.out lite.rows && grep -q '^Name  *ID \(Idx\|Vdev\)' lite.out
    report $? "$command of several domains, too" lite.out xl.out lite.err
    xl-lite $command web nosuch >lite.out 2>lite.err
    [ $? -eq 1 ] && grep -q "^web  *$web " lite.out && grep -q "'nosuch'" lite.err
    report $? "$command of several domains of which one is there" lite.out lite.err
    shows "$command --json" '"state": 4' $command --json web
done
xl-lite network-list --json web | tr -d ' \n' >lite.out
grep -q '"schema":1,"devices":\[{"domid":'"$web"',"name":"web","devid":0,"backend_domid":0,"mac":"00:16:3e:00:00:01","state":4,' lite.out \
    && grep -q '"backend_state":4' lite.out
report $? "network-list --json: the members and their types" lite.out
shows "block-list --json: the guest's name of the disk" '"vdev": "xvda"' block-list --json web
shows "console-list: a PV guest's console" '^0   0  -1 +[0-9]+ +[0-9]+ +xenconsoled /dev/pts/[0-9]+ *$' console-list web
shows "console-list of all domains" '^web +[0-9]+ 0   0 ' console-list
shows "console-list --json" '"tty": "/dev/pts/' console-list --json db
[ "$(xl-lite console-list web db | grep -cE '^(web|db) ')" -eq 2 ]
report $? "console-list of several domains says whose each is"

# ---- What a guest writes ----

home=/local/domain/$db/device/vif
good=$(xl-lite network-list db | sed -n 2p)
junk() { # TITLE WANTED VALUE: as the frontend's state
    title=$1
    wanted=$2
    xenstore-write -- "$home/0/state" "$3"
    xl-lite network-list db >lite.out 2>lite.err
    [ $? -eq 0 ] && [ ! -s lite.err ] && [ "$(wc -l <lite.out)" -eq 3 ] \
        && [ "$(awk 'NR == 2 { print $5 }' lite.out)" = "$wanted" ]
    report $? "$title" lite.out lite.err
}
junk "a number is shown, whatever it is" 77 77
junk "text for a number is none" -1 junk
junk "so is a number with something behind it" -1 4x
junk "or before it" -1 " 4"
junk "a negative one" -1 -4
junk "one that is too large" -1 18446744073709551620
junk "and one with control characters" -1 "$(printf '4\033[31m')"
xenstore-write "$home/0/state" 1

xenstore-write "$home/0/backend" "/local/domain/0/backend/vif/$web/0" "$home/0/backend-id" "$web" \
    "$home/0/mac" ff:ff:ff:ff:ff:ff "$home/0/frontend" nonsense "$home/7/state" 4 \
    "$home/7/backend" "/local/domain/0/backend/vif/$web/0"
[ "$(xl-lite network-list db | sed -n 2p)" = "$good" ] && [ "$(xl-lite network-list db | wc -l)" -eq 3 ]
report $? "a guest cannot add a device, move its backend or change its MAC address"
xenstore-rm "$home/0"
xl-lite network-list db >lite.out 2>lite.err
[ $? -eq 0 ] && [ "$(awk 'NR == 2 { print $1, $2, $3, $5, $6 }' lite.out)" = "0 0 00:16:3e:00:00:01 -1 -1" ]
report $? "nor hide one by removing its node" lite.out lite.err
same "and that looks as in xl" network-list db

# ---- What a toolstack may leave ----

libxl=/libxl/$db/device/vif
xenstore-write "$libxl/5/frontend" "$home/5" "$libxl/5/backend" "/local/domain/$web/backend/vif/$db/5" \
    "$libxl/5/handle" 5 "$libxl/5/mac" 00:16:3e:00:00:55 "$home/5/state" 3 \
    "/local/domain/$web/backend/vif/$db/5/mac" 00:16:3e:00:00:55 \
    "/local/domain/0/backend/vif/$db/5/mac" 00:16:3e:00:00:66
same "a backend in another domain than 0" network-list db
grep -q "^5   $web *00:16:3e:00:00:55 " lite.out
report $? "is read where the toolstack says it is" lite.out
xenstore-write "/local/domain/$web/backend/vif/$db/5/mac" "$(printf 'x\033[31m')"
shows "a MAC address that is none" "^5   $web  *00:00:00:00:00:00 " network-list db
for path in "$(printf '/local/domain/0/\033[31m')" "/local/domain/99999/backend/vif/1/0" "//" ""; do
    xenstore-write "$libxl/5/backend" "$path"
    shows "a backend's path that is none" '^5   -1 00:00:00:00:00:00 ' network-list db
    tr -d '\n' <lite.out | grep -q "$(printf '[\001-\037\177]')"
    report $((! $?)) "is escaped"
done
xenstore-rm "$libxl/5/backend"
shows "a device without a backend" '^5   -1 00:00:00:00:00:00 ' network-list db
shows "has null for it in JSON" '"backend": null' network-list --json db
xenstore-write "$libxl/junk/backend" x "$libxl/05/backend" x "$libxl/4294967296/backend" x "$libxl/6" ""
[ "$(xl-lite network-list db | wc -l)" -eq 4 ]
report $? "nodes that are no devices are not listed"
for extra in 5 6 junk 05 4294967296; do xenstore-rm "$libxl/$extra"; done
same "without them all is as before" network-list db

# ---- netchannel2: nodes written by hand ----

front=/local/domain/$db/device/vif2/0
back=/local/domain/0/backend/vif2/$db/0
xenstore-write "/libxl/$db/device/vif2/0/frontend" "$front" "/libxl/$db/device/vif2/0/backend" "$back" \
    "$front/state" 4 "$back/state" 4 "$back/remote-mac" 00:16:3e:00:00:0a \
    "$back/mac" 00:16:3e:00:00:0B "$back/local-trusted" 1 "$back/filter-mac" 0
cat >wanted <<END
Idx BE state Mac Addr.         Remote Mac Addr.  trusted filter backend                       
  0  0     4 00:16:3e:00:00:0a 00:16:3e:00:00:0b 1       0      $(printf %-30s "$back")
END
xl-lite network2-list db >lite.out 2>lite.err
cmp -s wanted lite.out
report $? "network2-list: as Xen 4.1's xl" wanted lite.out lite.err
shows "network2-list of all domains" '^db +[0-9]+   0  0     4 ' network2-list
shows "network2-list --json" '"backend_mac": "00:16:3e:00:00:0b"' network2-list --json db

# ---- Which domain ----

uuid=$(xl-lite list -v web | awk 'NR == 2 { print $7 }')
xl-lite network-list web >wanted
for argument in name:web "id:$web" "uuid:$uuid" "uuid:$(echo "$uuid" | tr a-f A-F)"; do
    xl-lite network-list "$argument" >lite.out 2>lite.err
    [ $? -eq 0 ] && cmp -s wanted lite.out
    report $? "a domain as $argument" wanted lite.out lite.err
    [ "$(xl-lite domid "$argument")" = "$web" ]
    report $? "domid $argument"
done
xenstore-write "/local/domain/$nameless/name" "$web"
shows "digits are a domid, even if there is such a name" '^web ' list "$web"
shows "name: makes them a name" "^$web  *$nameless " list "name:$web"
xenstore-write "/local/domain/$nameless/name" web
for command in list vcpu-list network-list network2-list block-list console-list uptime; do
    refused 1 "several domains are named 'web': use one of the domids $web, $nameless" xl-lite $command web
done
refused 1 "there is no domain 31999" xl-lite network-list 31999
refused 1 "no domain has the UUID" xl-lite vcpu-list uuid:01234567-89ab-cdef-0123-456789abcdef
xenstore-rm "/local/domain/$nameless/name"
for bad in uuid: uuid:x uuid:0 id: id:x id:-1 id:65536 id:4294967296 name: name:0 name:nosuch uuidx: 0x0 ""; do
    refused 1 "xl-lite: " xl-lite network-list -- "$bad"
done
xl-lite network-list --json nosuch 2>lite.err | tr -d ' \n' >lite.out
[ "$(cat lite.out)" = '{"schema":1,"devices":[]}' ]
report $? "without any of the domains asked for JSON is still JSON" lite.out lite.err

# ---- Uptime ----

same "uptime" uptime
same "uptime of some" uptime web 0
same "uptime -s" uptime -s web
same "uptime of a domain whose start was not noted" uptime "$nameless"
shows "uptime --json" '"uptime_s": [0-9]+' uptime --json web
start=/vm/$uuid/start_time
for days in 0 1 3; do
    xenstore-write "$start" "$(($(date +%s) - days * 86400 - 3700)).25"
    xl uptime web | sed 's/:[0-9][0-9]$/:SS/' >xl.out
    xl-lite uptime web | sed 's/:[0-9][0-9]$/:SS/' >lite.out
    cmp -s xl.out lite.out && grep -q ' 1:01:SS$' lite.out
    report $? "uptime of $days days, an hour and a minute, but for the seconds" xl.out lite.out
done
xenstore-write "$start" 99999999999
shows "a start in the future is no negative uptime" '^web  *[0-9]*  *0:00:00$' uptime web
xenstore-write "$start" junk
shows "a start that is none is null in JSON" '"uptime_s": null' uptime --json web

tap_end
