#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests, driver domains and users that write junk.  What a guest can write is written by a guest,
# with its own rights; the rest, and values longer than a guest may write, from dom0.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
# shellcheck disable=SC1003,SC2016 # a guest's shell gets its text as it is
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

COMMANDS="list list_-v list_-l list_-o_name vcpu-list network-list network2-list block-list console-list uptime
    domain-show_web info"

escape=$(printf 'x\033[31m\033]0;t\007y')
newline=$(printf 'x\ny\r\tz')
turned=$(printf 'x\342\200\256gnp.\342\200\213')
invalid=$(printf 'x\233\377\300\200y')
ENTRIES="00 1x -1 @1 1_ 4294967296 99999999999 x"
longest=4000
[ "$LAB_DAEMON" = xenstored ] || longest=2048 # oxenstored's limit, for dom0 too

long() { # NUMBER: so many bytes, control characters among them
    head -c "$1" /dev/zero | tr '\0' '\033'
}

# ---- What all commands print ----

look() { # FOLDER: into it, and how many do not end well
    mkdir -p "$1"
    bad=0
    for command in $COMMANDS; do
        for json in "" --json; do
            case $command$json in
            list_-o_name--json | list_-v--json | list_-l) continue ;;
            esac
            # shellcheck disable=SC2086 # the command's words
            if (IFS=_ && exec xl-lite $command $json) >"$1/$command$json" 2>err && [ ! -s err ]; then
                continue
            fi
            bad=$((bad + 1))
            echo "xl-lite $command $json"
            cat err
        done
    done >log
    return $bad
}

sane() { # TITLE: what was looked at now is fit for a terminal, row by row as at first
    rm -rf now
    look now
    report $? "$1: every command ends well" log
    lab-sane --like first now/* >insane
    report $? "$1: every output is sane" insane
}

# All but what a guest may say of its side, and what changes by itself.
constant() { # FOLDER
    for file in "$1"/*--json; do
        case $file in
        */info--json) ;;
        *) grep -vE '"(state|event_channel|tx_ring_ref|rx_ring_ref|ring_ref|backend_state|[a-z_]*time[a-z_]*|cpu|running|blocked)":' "$file" ;;
        esac
    done
}

unmoved() { # TITLE: a guest changed nothing but what its own side says
    constant first >first.constant
    constant now >now.constant
    [ -s first.constant ] && cmp -s first.constant now.constant
    report $? "$1: domains, devices, backends and addresses are what they were" now.constant
}

nothing_said() { # TITLE: of web's interface and disk, the guest's numbers are none
    for file in network-list block-list; do
        awk -v file=$file '
            /"domid":/ { ours = $2 == "'"$web"'," }
            ours && /"(state|event_channel|tx_ring_ref|rx_ring_ref|ring_ref)":/ && $2 != "null," { print file ": " $0 }
            ours && /"state": null/ { seen++ }
            END { if (seen != 1) print file ": " seen + 0 " devices without a state" }' now/$file--json
    done >said
    [ ! -s said ]
    report $? "$1: it is none" said
}

guest() { # TITLE SCRIPT: as web, in its home
    lab-guest --run "$web" "$2"
    report $? "$1: a guest writes what it may, and no more"
}

lab-guest --wait --shell --vif --disk web || exit 1
lab-guest -p --idle --vif --disk db || exit 1
web=$(xl domid web)
db=$(xl domid db)
connected() { # COMMAND: what it lists
    xl-lite "$1" --json web | grep '"state": 4'
}
await connected network-list && await connected block-list
report $? "a guest's interface and disk reach state 4"
look first
report $? "every command ends well" log

# ---- A guest and its own part of xenstore ----

spoil() { # TITLE VALUE...: by the guest, in turn to all keys that are looked at, and to some more
    title=$1
    shift
    script='xenstore-write --'
    for node in vif/0/state vif/0/event-channel vif/0/tx-ring-ref vif/0/rx-ring-ref \
        vbd/51712/state vbd/51712/event-channel vbd/51712/ring-ref \
        vif/0/extra vif/0/junk/deeper vbd/51712/params vbd/51712/dev; do
        script="$script 'device/$node' '$1'"
        set -- "$@" "$1"
        shift
    done
    guest "$title" "$script attr/junk '$1' data/junk '$1' error/junk '$1'"
    sane "$title"
    unmoved "$title"
    nothing_said "$title"
}

spoil "a guest's escape sequences, newlines and what is not UTF-8" \
    "$escape" "$newline" "$turned" "$invalid" '4\x1b[31m' '\x004' '4\x00'
spoil "a guest's numbers that are none" \
    -1 18446744073709551620 4294967296 +4 " 4" 4x 0x4 4.0 "" -0 99999999999999999999999999999999

title="a guest's long values, and paths that lead elsewhere"
guest "$title" 'v=$(/bin/busybox head -c 1900 /dev/zero | /bin/busybox tr "\0" "\033")
    for n in device/vif/0 device/vbd/51712; do
        xenstore-write -R $n/state "$v" $n/event-channel "$v" $n/ring-ref "$v" $n/tx-ring-ref "$v" \
            && xenstore-write $n/backend /local/domain/0/backend/vif/'"$db"'/0 $n/backend-id '"$db"' \
            $n/handle 9 $n/frontend /local/domain/'"$db"'/device/vif/0 $n/frontend-id 0 \
            $n/mac ff:ff:ff:ff:ff:ff $n/virtual-device 1 || exit 1
    done; xenstore-write console/backend-id '"$db"
sane "$title"
unmoved "$title"
nothing_said "$title"

title="a guest that removes its nodes"
# It can neither add a device nor write its name or where its console is: what shows them is right to.
guest "$title" 'xenstore-rm device/vif/0 device/vbd/51712; could=0
    for path in device/vif/9/state name vm domid console/tty console/state /libxl/x \
        /local/domain/0/backend/vif/'"$web/0/mac /local/domain/$db"'/name /tool/x; do
        ! xenstore-write $path x || could=$((could + 1))
    done 2>/dev/null; exit $could'
sane "$title"
unmoved "$title"
nothing_said "$title"

# ---- What toolstacks, users and driver domains write ----

lab-domain create 7 name >ids || exit 1
junk=$(head -n 1 ids)

put() { # NODE VALUE KEY...: the value to all the keys
    node=$1
    value=$2
    shift 2
    for key; do
        set -- "$@" "$node/$key" "$value"
        shift
    done
    xenstore-write -R -- "$@" || exit 1
}

device() { # CLASS DEVID VALUE: with a backend in db
    back=/local/domain/$db/backend/$1/$junk/$2 front=/local/domain/$junk/device/$1/$2 libxl=/libxl/$junk/device/$1/$2
    text=$3
    set -- "$libxl/frontend" "$text" "$libxl/backend" "$back"
    for key in mac bridge dev params mode name connection remote-mac local-trusted filter-mac state; do
        set -- "$@" "$back/$key" "$text"
    done
    for key in type tty port ring-ref state; do
        set -- "$@" "$front/$key" "$text"
    done
    xenstore-write -R -- "$@" || exit 1
}

fill() { # VALUE...: one device of each class for each
    for class in vif vbd console vif2; do
        devid=1
        for text; do
            device $class $devid "$text"
            devid=$((devid + 1))
        done
    done
}

name() { # VALUE...: the domains, in turn
    while read -r id; do
        put "/local/domain/$id" "$1" name
        shift
    done <ids
}

fill a b c d e
look first
for list in network-list network2-list block-list console-list; do
    [ "$(grep -c '^name1 ' first/$list)" -eq 5 ]
    report $? "$list shows a driver domain's devices" first/$list
done

fill "$escape" "$newline" "$turned" "$invalid" "$(long $longest)"
put "/local/domain/$web/device/vif/0" "$(long $longest)" state event-channel tx-ring-ref
put "/local/domain/$web/device/vbd/51712" "$(long $longest)" state ring-ref
name "$escape" "$newline" "$turned" "$invalid" "$(long $longest)" "$db" ""
put "/vm/$(xl-lite list -v "$junk" | awk 'NR == 2 { print $7 }')" "$newline" start_time
for entry in $ENTRIES; do
    put "/libxl/$junk/device/vif/$entry" "/local/domain/$db/backend/vif/$junk/1" backend
    put "/libxl/$entry/device/vif/0" ghost backend
    put "/local/domain/$entry" ghost name
done
sane "junk of $longest bytes, of a driver domain, of what is no domain, and in names"
nothing_said "junk of $longest bytes"
grep ghost now/* >ghosts
report $((! $?)) "what is no domain and no device is not shown" ghosts

set -- "$escape" "$newline" "$turned" "$invalid" "$(long $longest)" "$db" ""
while read -r id; do
    xl-lite domname "$id" >lite.out 2>lite.err
    [ $? -eq 0 ] && [ ! -s lite.err ] && lab-sane lite.out >>lite.err
    report $? "domname: name $id" lite.out lite.err
    if [ -n "$1" ]; then
        [ "$(xl-lite domid "name:$1")" = "$id" ]
        report $? "domid: name $id, exactly"
        xl-lite domid "name:$1 " >lite.out 2>lite.err
        [ $? -eq 1 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && lab-sane lite.err
        report $? "domid: an error about name $id is sane" lite.out lite.err
    fi
    shift
done <ids
for entry in $ENTRIES; do
    xenstore-rm "/libxl/$entry" "/local/domain/$entry"
done

tap_end
