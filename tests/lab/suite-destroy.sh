#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Destroying domains, run inside dom0: what is left of them, and what happens when it goes wrong.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

# ---- What there is ----

none_creates() {
    ps -o args >processes
    ! grep '^xl create' processes
}
settled() { # xl's background processes end by themselves once their domains are gone
    await none_creates
}

# host FILE: all that a domain may leave something in; of processes, Xen's
host() {
    settled
    {
        lab-ls -p
        losetup -a
        ls /sys/class/net
        stat -c '%a %n' /var/lib/xen/* /run/xen/* /run/lock/*
        grep '^xl\|xen\|^qemu' processes
        lab-domain list
    } >"$1" 2>/dev/null
}

guest() { # OPTION... NAME: a paused guest of xl's; sets id and uuid
    lab-guest -p --idle "$@" || exit 1
    for name; do :; done
    id=$(xl domid "$name")
    uuid=$(xenstore-read "/local/domain/$id/vm")
    uuid=${uuid#/vm/}
}

silent() { # STATUS: nothing was printed
    [ "$1" -eq 0 ] && [ ! -s lite.out ] && nothing_in lite.err
}

# ---- As xl leaves it ----

# What scripts are told, by whom they are run.
for script in vif-bridge block; do
    mv "/etc/xen/scripts/$script" "/run/$script"
    cat >"/etc/xen/scripts/$script" <<'SCRIPT'
#!/bin/busybox sh
case $1 in
remove | offline)
    { echo "$0 $*"; env | grep -v '^_=' | sort; readlink /proc/self/fd/0; } >>/run/scripts.log ;;
esac
exec "/run/${0##*/}" "$@"
SCRIPT
    chmod 755 "/etc/xen/scripts/$script"
done

for options in "" "--vif --disk"; do
    title="destroy of a domain ${options:+with vif and disk}${options:-without devices}"
    title=${title%--vif --disk}
    rm -f /run/scripts.log
    # shellcheck disable=SC2086 # words
    guest $options web
    xl destroy web
    host wanted
    [ ! -e /run/scripts.log ] || sed "s,/$id/,/D/,; s/vif$id\\./vifD./" /run/scripts.log | sort >scripts.wanted
    xl_id=$id
    rm -f /run/scripts.log
    # shellcheck disable=SC2086 # words
    guest $options web
    xl-lite destroy web >lite.out 2>lite.err
    silent $?
    report $? "$title is silent" lite.out lite.err
    host got
    cmp -s wanted got && ! grep -q "vif\|/dev/loop\|userdata-..$id\|xl create" got
    report $? "$title leaves what xl's leaves" wanted got
    tail -n 2 /run/xen/domid-history >history
    awk -v first="$xl_id" -v second="$id" -v now="$(cut -d. -f1 /proc/uptime)" '
        NF == 2 && $1 <= now && $1 > now - 30 && $2 == (NR == 1 ? first : second) { n++ }
        END { exit n != 2 }' history
    report $? "$title: its domid is noted behind xl's" history
done
sed "s,/$id/,/D/,; s/vif$id\\./vifD./" /run/scripts.log | sort >scripts.got
[ "$(grep -c '^/etc' scripts.got)" -eq 2 ] && cmp -s scripts.wanted scripts.got
report $? "destroy: scripts are told what xl tells them" scripts.wanted scripts.got

# Two that are up, with connected devices; first xl's goes.
mask() { # DOMID UUID: of nodes without values
    sed -E "s,/$1(/| |$),/D\\1,g; s/([nrwb])$1([,)])/\\1D\\2/g; s/$2/U/g" | sort
}
removed() { # BEFORE AFTER: lines of the first that the second has not, but for those of no domain
    grep -vxF -f "$2" "$1"
}
nodes() { # FILE: paths and permissions
    lab-ls -p | sed -E 's/ = ".*"  *(\(.*)/ \1/' >"$1"
}
mv got wanted.host
lab-guest --vif --disk xlweb && lab-guest --vif --disk liteweb && lab-guest --wait-only xlweb && lab-guest --wait-only liteweb || exit 1
connected() { # COMMAND NAME COLUMN: its device of that guest is
    xl-lite "$1" "$2" | awk -v column="$3" 'NR == 2 { up = $column == 4 } END { exit !up }'
}
for name in xlweb liteweb; do
    await connected network-list $name 5 && await connected block-list $name 4
done
xl network-list liteweb >lists
xl block-list liteweb >>lists
[ "$(awk '$5 == 4 || $4 == 4' lists | wc -l)" -eq 2 ]
report $? "devices are connected" lists
xl_id=$(xl domid xlweb) lite_id=$(xl domid liteweb)
xl_uuid=$(xenstore-read "/local/domain/$xl_id/vm") lite_uuid=$(xenstore-read "/local/domain/$lite_id/vm")
nodes before
xl destroy xlweb
nodes between
xl-lite destroy liteweb >lite.out 2>lite.err
silent $?
report $? "destroy of a running domain with connected devices is silent" lite.out lite.err
nodes after
removed before between | mask "$xl_id" "${xl_uuid#/vm/}" | grep '/[DU]' >wanted
removed between after | mask "$lite_id" "${lite_uuid#/vm/}" | grep '/[DU]' >got
[ "$(wc -l <got)" -gt 50 ] && cmp -s wanted got
report $? "destroy of a running domain removes the nodes that xl's removes" wanted got
host got
cmp -s wanted.host got
report $? "destroy of a running domain leaves no loop device, interface, file or process" wanted.host got
for script in vif-bridge block; do
    mv "/run/$script" "/etc/xen/scripts/$script"
done

# ---- Others destroy it meanwhile ----

for wait in 0 0.3; do
    guest --vif --disk web
    touch "/var/lib/xen/userdata-d.$id.$uuid.mark"
    xl destroy "$id" >xl.out 2>&1 &
    xl=$!
    sleep $wait
    xl-lite destroy "id:$id" >lite.out 2>lite.err
    status=$?
    wait $xl
    echo "# xl destroy, of the same domain at once, has exit status $?"
    host got
    # xl may have ended before xl-lite looked, which then knows of no such domain.
    { [ $status -eq 0 ] || grep -q "there is no domain $id" lite.err; } && cmp -s wanted.host got
    report $? "destroy beside xl destroy, $wait s later: nothing is left" wanted.host got lite.out lite.err xl.out
done

# ---- Refused: nothing is touched ----

is_paused() { # DOMID
    [ "$(xl list "$1" | awk 'NR == 2 { print substr($5, 3, 1) }')" = p ]
}

# refuses PATTERN NODE VALUE: on a domain that has this node, too
refuses() {
    xenstore-write "$2" "$3"
    lab-ls -p >nodes
    refused 1 "destroy: cannot destroy domain $spare ('spare1'): $1" xl-lite destroy spare1
    lab-ls -p >after
    cmp -s nodes after && ! is_paused "$spare"
    report $? "destroy that is refused touches nothing: $1" nodes after
    xenstore-rm "${2%/*}"
}

spare=$(lab-domain create 1 spare)
lab-domain vifs 1 "$spare"
xl unpause "$spare" 2>unpaused # without vcpus it does not run
is_paused "$spare" && echo "# xl unpause: $(cat unpaused)"
backend=/local/domain/0/backend
refuses "nothing here can give its device pci 0 back to the host: use .xl destroy." "/libxl/$spare/device/pci/0/backend" "$backend/pci/$spare/0"
xenstore-rm "/libxl/$spare/device/pci"
refuses "its device model is a domain of its own, 99, which would be left: use .xl destroy." "/local/domain/$spare/image/device-model-domid" 99
lab-ls -p >nodes
refused 1 "cannot destroy domain 0 ('Domain-0'): it is domain 0, which is destroyed only if forced" xl-lite destroy Domain-0
refused 1 "cannot destroy domain 0 ('Domain-0'): it is the domain that asks" xl-lite destroy -f 0
refused 1 "it is the domain that asks" xl-lite destroy --force --dry-run 0
refused 1 "destroy: no domain is named 'nosuch'" xl-lite destroy nosuch
refused 1 "destroy: there is no domain 32000" xl-lite destroy 32000
refused 2 "it takes at least one argument, a domain" xl-lite destroy -f
XENSTORED_PATH=/nonexistent refused 1 "cannot reach xenstored" xl-lite destroy "$spare"
lab-ls -p >after
cmp -s nodes after && ! is_paused "$spare"
report $? "destroy that is refused touches nothing" nodes after

# ---- What is said ----

small=$(lab-domain create 3 small)
# shellcheck disable=SC2086 # one domid a word
set -- $small
uuid=$(xenstore-read "/local/domain/$1/vm")
userdata=/var/lib/xen/userdata-d.$1.${uuid#/vm/}.libxl-json
touch "$userdata"
for step in "hypercall XEN_DOMCTL_pausedomain" "remove $uuid" "remove /local/domain/$1" "remove /libxl/$1" \
    "commit the transaction" "file $userdata" "file /var/run/xen/domid-history = SECONDS $1" \
    "hypercall XEN_DOMCTL_destroydomain"; do
    echo "small1 (domain $1): $step"
done >wanted
host before
xl-lite destroy --dry-run small1 2>lite.err | sed -E 's/= [0-9]+ /= SECONDS /' >got
cmp -s wanted got && [ ! -s lite.err ]
report $? "destroy --dry-run of a domain without devices" wanted got lite.err
xl-lite destroy --dry-run spare1 >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && for step in "remove /local/domain/$spare/device/vif/0" "write $backend/vif/$spare/0/online = 0" \
    "write $backend/vif/$spare/0/state = 5" "wait for backends to close: vif 0" \
    "run /etc/xen/scripts/vif-bridge offline type_if=vif (device vif 0)"; do
    grep -qxF "spare1 (domain $spare): $step" lite.out || break
    [ "${step%% *}" != run ]
done
[ $? -eq 1 ]
report $? "destroy --dry-run of a domain with a device" lite.out lite.err
host after
cmp -s before after
report $? "destroy --dry-run changes nothing" before after
json() { # ARGUMENT...: its output on one line
    xl-lite destroy --json "$@" >lite.json 2>lite.err
    status=$?
    tr -d '\n ' <lite.json >line.json
    return $status
}
json --dry-run small1
[ $? -eq 0 ] && grep -q '"value":"[0-9]*'"$1"'"' line.json && grep -q '"done":false' line.json && [ ! -s lite.err ]
report $? "destroy --json --dry-run" lite.json lite.err

xl-lite destroy small1 nosuch "$2" id:"$2" >lite.out 2>lite.err
[ $? -eq 1 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -q "'nosuch'" lite.err \
    && ! lab-domain list | grep -qx "$1\|$2" && [ ! -e "$userdata" ]
report $? "destroy of several, one of which is none: the others are done" lite.err
json "uuid:$(xl-lite list -o uuid "$3")"
[ $? -eq 0 ] && [ ! -s lite.err ] && grep -q '"done":true.*"notes":\[\]' line.json && ! lab-domain list | grep -qx "$3"
report $? "destroy --json uuid:" lite.json lite.err

# ---- The device model ----

cat >model.sh <<'MODEL'
trap 'exit 0' HUP
while :; do sleep 0.1; done
MODEL
models=$(lab-domain create 3 model)
# shellcheck disable=SC2086 # one domid a word
set -- $models
sh model.sh -xen-domid "$1" &
model=$!
sh model.sh -xen-domid "$1" & # of another domain, as far as that one goes
other=$!
touch "/run/xen/qmp-libxl-$1" "/run/xen/qmp-libxenstat-$1" "/var/lib/xen/qemu-save.$1"
xenstore-write "/local/domain/$1/image/device-model-pid" $model "/local/domain/$2/image/device-model-pid" $other \
    "/local/domain/$3/image/device-model-pid" 999999 "/local/domain/0/device-model/$1/state" running \
    "$backend/qdisk/$1/51712/state" 4 "/libxl/$1/device/vbd/51712/backend" "$backend/qdisk/$1/51712"
xl-lite destroy model1 >lite.out 2>lite.err
silent $? && ! kill -0 $model 2>/dev/null && [ ! -e "/run/xen/qmp-libxl-$1" ] && [ ! -e "/run/xen/qmp-libxenstat-$1" ] \
    && [ ! -e "/var/lib/xen/qemu-save.$1" ] && ! xenstore-exists "/local/domain/0/device-model/$1" && ! xenstore-exists "$backend/qdisk"
report $? "destroy ends the device model, and its disk's nodes and its files go" lite.out lite.err
xl-lite destroy model2 >lite.out 2>lite.err
[ $? -eq 0 ] && grep -qx "xl-lite: 'model2': process $other, which is noted as its device model, is another one: it is left alone" lite.err \
    && [ "$(wc -l <lite.err)" -eq 1 ] && kill -0 $other
report $? "destroy leaves a process alone that is not the device model" lite.out lite.err
kill -9 $other
xl-lite destroy model3 >lite.out 2>lite.err
silent $?
report $? "destroy of a domain whose device model has ended" lite.out lite.err
xenstore-rm /local/domain/0/device-model

# ---- One that stays ----

zombie=$(lab-domain create 1 zombie)
cat >hold.sh <<'HOLD'
xl-lite destroy zombie1 >lite.out 2>lite.err
echo $? >status
xl-lite destroy --json "$1" >lite.json 2>json.err
echo $? >>status
xl list "$1" >xl.out
HOLD
lab-domain hold "$zombie" sh hold.sh "$zombie" &
held=$!

# ---- A backend that never closes ----

stuck=$(lab-domain create 1 stuck)
lab-domain vifs 2 "$stuck"
xenstore-write "$backend/vif/$stuck/1/state" 6
began=$(cut -d. -f1 /proc/uptime)
xl-lite destroy stuck1 >stuck.out 2>stuck.err
status=$?
took=$(($(cut -d. -f1 /proc/uptime) - began))
cat >wanted <<'WANTED'
xl-lite: stuck1: waiting for backends to close: vif 0, vif 1
xl-lite: 'stuck1': backends that did not close within 10 s, and are removed as they are: vif 0
WANTED
[ $status -eq 0 ] && [ ! -s stuck.out ] && cmp -s wanted stuck.err && [ $took -ge 9 ] && [ $took -le 20 ]
report $? "destroy gives a backend up that never closes ($took s)" wanted stuck.out stuck.err
lab-ls >nodes
! grep -q "/$stuck/" nodes && ! lab-domain list | grep -qx "$stuck"
report $? "destroy: then the rest is done" nodes

wait $held
[ "$(tr '\n' ' ' <status)" = "0 0 " ] && [ ! -s lite.out ] && grep -q "^xl-lite: 'zombie1': it is destroyed and stays dying.*[0-9] (lab-domain)" lite.err
report $? "destroy of a domain that stays dying says who may hold it" status lite.out lite.err
tr -d '\n' <lite.json | grep -q '"done": *true.*"notes": *\[ *"it is destroyed and stays dying' && [ ! -s json.err ] && grep -q 'd  *[0-9.]*$' xl.out
report $? "destroy of one that is dying says it again" lite.json json.err xl.out
! lab-domain list | grep -qx "$zombie"
report $? "destroy: it is gone once it is let go of"

# ---- A script that fails ----

cat >/run/fails <<'FAILS'
#!/bin/busybox sh
xenstore-write "$XENBUS_PATH/hotplug-error" "no bridge today"
exit 3
FAILS
chmod 755 /run/fails
broken=$(lab-domain create 1 broken)
lab-domain vifs 3 "$broken"
for n in 0 1 2; do
    xenstore-write "$backend/vif/$broken/$n/state" 6
done
xenstore-write "$backend/vif/$broken/0/script" /run/fails "$backend/vif/$broken/1/script" /run/nosuch "$backend/vif/$broken/2/script" bin/sh
xl-lite destroy broken1 >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ "$(grep -vc ': waiting for ' lite.err)" -eq 3 ] \
    && grep -q "^xl-lite: 'broken1': the script of its device vif 0, ./run/fails offline type_if=vif., failed with exit status 3: no bridge today$" lite.err \
    && grep -q "vif 1, ./run/nosuch offline type_if=vif., .*No such file" lite.err && grep -q "vif 2, .bin/sh offline type_if=vif., is not run, as its path is not absolute" lite.err \
    && ! lab-domain list | grep -qx "$broken"
report $? "destroy goes on when scripts fail, and says so" lite.out lite.err

# ---- Interrupted at each step ----

victims() { # COUNT: domains with a device that has closed, and a file; sets ids
    ids=$(lab-domain create "$1" victim)
    # shellcheck disable=SC2086 # one domid a word
    lab-domain vifs 1 $ids
    set --
    for id in $ids; do
        uuid=$(xenstore-read "/local/domain/$id/vm")
        set -- "$@" "$backend/vif/$id/0/state" 6
        touch "/var/lib/xen/userdata-d.$id.${uuid#/vm/}.libxl-json"
    done
    xenstore-write "$@"
}

whole() { # DOMID: all of its nodes are there, or none
    lab-ls >nodes
    case $(grep -c "^/local/domain/$1/name \|^/libxl/$1/type \|^/local/domain/0/backend/vif/$1/0/mac \|^/local/domain/$1/vm " nodes) in
    0 | 4) ;;
    *) return 1 ;;
    esac
}

host before
victims 1
lab-act destroy "$ids" >steps 2>&1
steps=$(wc -l <steps)
host after
cmp -s before after && [ "$steps" -ge 10 ]
report $? "lab-act destroy, in $steps steps" steps before after
for how in kill drop; do
    victims "$steps"
    # shellcheck disable=SC2086 # one domid a word
    set -- $ids
    while read -r n step; do
        lab-act "--$how=$n" destroy "$1" >act.out 2>act.err
        status=$?
        whole "$1"
        half=$?
        case $how in
        kill) [ $half -eq 0 ] && [ $status -eq 137 ] && [ "$(wc -l <act.out)" -eq "$n" ] ;;
        drop) [ $half -eq 0 ] && { [ $status -eq 0 ] || [ -s act.err ]; } ;;
        esac
        report $? "destroy, $how at step $n ($step)" act.out act.err nodes
        shift
    done <steps
    left=$(lab-domain list | grep -vx "$spare")
    # shellcheck disable=SC2086 # one domid a word
    [ -z "$left" ] || xl-lite destroy $left >lite.out 2>lite.err
    silent $?
    report $? "destroy of what is left after each $how" lite.out lite.err
    host after
    cmp -s before after
    report $? "destroy after each $how: nothing is left" before after
done

tap_end
