#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Attaching and detaching devices, run inside dom0: beside xl, with Debian's own hotplug scripts, and
# what is left when it goes wrong.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

# ---- What there is ----

backend=/local/domain/0/backend
debian=/lab/debian-scripts

running() { # the scripts that run, and what they have started
    ps -o args >processes
    # busybox's timeout watches on for up to a second.
    grep -v '^timeout ' processes | grep '/scripts/\|-script\|^sleep 1000'
}

host() { # FILE: all that a device may leave something in, but what libxl keeps of its domain
    {
        # Linux's backends note below error that a guest was connecting when they were taken away.
        lab-ls -p | grep -v "/data/\|/console/\|/memory/\|^/local/domain/0/error"
        losetup -a
        ls /sys/class/net
        ls /sys/class/net/xenbr0/brif
        stat -c '%a %n' /var/lib/xen/* /run/xen/*
        running
    } >"$1" 2>/dev/null
}

silent() { # STATUS: nothing was printed
    [ "$1" -eq 0 ] && [ ! -s lite.out ] && nothing_in lite.err
}

lite() { # ARGUMENT...: sets status
    timeout 120 xl-lite "$@" >lite.out 2>lite.err
    status=$?
}

is_up() { # GUEST CLASS DEVID: both ends are connected
    [ "$(xenstore-read "/local/domain/$1/device/$2/$3/state" 2>/dev/null)" = 4 ] \
        && [ "$(xenstore-read "$backend/$2/$1/$3/state" 2>/dev/null)" = 4 ]
}

image() { # FILE
    dd if=/dev/zero of="$1" bs=1M count=4 2>/dev/null
}

# nodes DOMID CLASS DEVID: those of a device, with permissions; what is of it alone, or of the moment, masked
nodes() {
    lab-ls -p >all
    for path in "/libxl/$1/device/$2/$3" "/local/domain/$1/device/$2/$3" "$backend/$2/$1/$3"; do
        grep "^${path}[/ ]" all | sed "s,^$path,${path%/*}/N,"
    done | sed -E "s,/$3\",/N\",g
        s,^([^ ]*/(handle|virtual-device) = )\"$3\",\1N,
        s,^([^ ]*/(mac|params|dev|node|physical-device(-path)?|(event-channel|ring-ref|[rt]x-ring-ref|event-channel-[rt]x)) = )\".*\",\1X," | sort
}

# A guest of each type that has booted, and has both drivers; PVH guests die now and then under
# emulation, and are then made anew.
make_guest() { # TYPE NAME
    for attempt in 1 2 3; do
        lab-guest --wait --type "$1" --vif --disk "$2" memory=256 && id=$(xl domid "$2") \
            && await is_up "$id" vif 0 && await is_up "$id" vbd 51712 && return
        echo "# $2, a $1 guest: attempt $attempt failed"
        xl destroy "$2"
    done
    return 1
}

make_guest pv pv && pv=$id && make_guest pvh pvh && pvh=$id
report $? "guests with an interface and a disk are there"

# ---- Beside xl ----

for name in pv pvh; do
    eval "id=\$$name"
    host before
    # The first of each is xl's, the second ours.
    xl network-attach $name mac=00:16:3e:00:01:01 bridge=br7 && await is_up "$id" vif 1
    report $? "xl attaches an interface to a $name guest"
    lite network-attach $name mac=00:16:3e:00:01:02 bridge=br7
    silent $status && await is_up "$id" vif 2
    report $? "network-attach: a running $name guest connects" lite.out lite.err
    image "/run/$name-1"
    image "/run/$name-2"
    xl block-attach $name "/run/$name-1,raw,xvdb,w" && await is_up "$id" vbd 51728
    report $? "xl attaches a disk to a $name guest"
    lite block-attach $name "/run/$name-2,raw,xvdc,w"
    silent $status && await is_up "$id" vbd 51744
    report $? "block-attach: a running $name guest connects" lite.out lite.err
    for device in "vif 1 2" "vbd 51728 51744"; do
        # shellcheck disable=SC2086 # words
        set -- $device
        nodes "$id" "$1" "$2" >wanted
        nodes "$id" "$1" "$3" >got
        [ "$(wc -l <got)" -gt 30 ] && cmp -s wanted got
        report $? "a $1 of ours has the nodes and permissions that xl's has ($name)" wanted got
    done
    xl list -l $name >xl.out 2>&1
    [ "$(grep -c '"mac": "00:16:3e:00:01:0[12]"' xl.out)" -eq 2 ] && [ "$(grep -c "\"pdev_path\": \"/run/$name-[12]\"" xl.out)" -eq 2 ]
    report $? "xl list -l knows what was attached to a $name guest" xl.out
    # Each detaches the other's.
    lite network-detach $name 00:16:3E:00:01:01
    silent $status
    report $? "network-detach of xl's, by its address ($name)" lite.out lite.err
    xl network-detach $name 2 >xl.out 2>&1
    report $? "xl network-detach of ours ($name)" xl.out
    lite block-detach $name xvdb
    silent $status
    report $? "block-detach of xl's, by its name ($name)" lite.out lite.err
    xl block-detach $name xvdc >xl.out 2>&1
    report $? "xl block-detach of ours ($name)" xl.out
    lite network-attach $name
    [ $status -eq 0 ] && await is_up "$id" vif 1 && xl list -l $name | grep -q '"devid": 1,' && lite network-detach $name 1 && silent $status \
        && ! xl list -l $name | grep -q '"devid": 1,'
    report $? "network-attach with all defaults, and network-detach by its number ($name)" lite.out lite.err
    lite block-attach $name vdev=xvdb access=ro "target=/run/$name-1"
    [ $status -eq 0 ] && await is_up "$id" vbd 51728 && lite block-detach $name 51728 && silent $status
    report $? "block-attach of words, and block-detach by its number ($name)" lite.out lite.err
    host after
    cmp -s before after
    report $? "then all is as it was before ($name)" before after
done

lite network-attach --json pv
grep -q '"devid": 1' lite.out && grep -q '"done": true' lite.out && lite network-detach --json pv 1 && grep -q '"done": true' lite.out
report $? "network-attach --json tells the number of the device" lite.out lite.err

# ---- Debian's own scripts ----

modules=$(tr ' ' '\n' </lab/modules/bridge.order)
for module in $modules; do
    [ -e "/sys/module/$(echo "$module" | tr - _)" ] || insmod "/lab/modules/$module.ko"
done
brctl addbr xenbr0
host before
lite network-attach pv script=$debian/vif-bridge bridge=xenbr0
silent $status && await is_up "$pv" vif 1 && [ -e "/sys/class/net/xenbr0/brif/vif$pv.1" ]
report $? "Debian's vif-bridge plugs an interface into its bridge" lite.out lite.err /var/log/xen/xen-hotplug.log
lite network-attach pv script=$debian/vif-bridge bridge=xenbr0 vifname=named mtu=1400
silent $status && await is_up "$pv" vif 2 && [ -e /sys/class/net/xenbr0/brif/named ] && ip link show dev named | grep -q 'mtu 1400'
report $? "Debian's vif-bridge renames it, and sets its MTU" lite.out lite.err /var/log/xen/xen-hotplug.log
lite network-detach pv 1 && silent $status && lite network-detach pv 2
silent $status
report $? "Debian's vif-bridge takes them out" lite.out lite.err /var/log/xen/xen-hotplug.log
xenstore-rm /local/domain/named # it takes an interface's name for vifDOMID.DEVID, to write its MTU
image /run/deb-1
lite block-attach pv script=$debian/block,vdev=xvdb,target=/run/deb-1
silent $status && await is_up "$pv" vbd 51728 && losetup -a | grep -q /run/deb-1
report $? "Debian's block makes a loop device of a file" lite.out lite.err /var/log/xen/xen-hotplug.log
image /run/deb-2
loop=$(losetup -f)
losetup "$loop" /run/deb-2
lite block-attach pv script=$debian/block,vdev=xvdc,target="$loop"
silent $status && await is_up "$pv" vbd 51744
report $? "Debian's block takes a block device" lite.out lite.err /var/log/xen/xen-hotplug.log
lite block-attach pv script=$debian/block,vdev=xvdd,target="$loop"
[ $status -eq 1 ] && grep -q "the image '$loop' is in use: domain $pv writes it, as its disk xvdc" lite.err
report $? "a block device is known by its number" lite.err
lite block-detach pv xvdb && silent $status && lite block-detach pv xvdc
silent $status && losetup -d "$loop"
report $? "Debian's block takes the loop device away" lite.out lite.err /var/log/xen/xen-hotplug.log
host after
cmp -s before after
report $? "then all is as it was before, with Debian's scripts" before after

# ---- Failures: one line, and nothing left ----

# fails PATTERN ARGUMENT...: and all is as `host before` found it, or the last one of these
fails() {
    pattern=$1
    shift
    cat /var/lib/xen/userdata-d.*.libxl-json >known
    lite "$@"
    # A loop device that its backend had open is free a moment later.
    await losetup_is_as_before
    host after
    [ $status -eq 1 ] && [ ! -s lite.out ] && [ "$(grep -c "^xl-lite: $1: " lite.err)" -eq 1 ] && grep -q -- "$pattern" lite.err
    report $? "$* says: $pattern" lite.out lite.err
    cat /var/lib/xen/userdata-d.*.libxl-json | cmp -s known - && cmp -s before after
    report $? "$* leaves nothing" before after
    mv after before
}
losetup_is_as_before() {
    losetup -a >losetup.now
    grep '^/dev/loop' before | cmp -s - losetup.now
}

script() { # NAME: from stdin; into /run
    cat >"/run/$1"
    chmod 755 "/run/$1"
}

script exits-script <<'SCRIPT'
#!/bin/busybox sh
xenstore-write "$XENBUS_PATH/hotplug-error" "no luck today"
exit 1
SCRIPT
script binary-script <<'SCRIPT'
#!/bin/busybox sh
head -c 200 /dev/urandom
head -c 200 /dev/urandom >&2
xenstore-write "$XENBUS_PATH/hotplug-error" "$(printf 'a\033[31m\001')"
exit 1
SCRIPT
script busy-script <<'SCRIPT'
#!/bin/busybox sh
xenstore-write "$XENBUS_PATH/hotplug-error" "it is mounted" "$XENBUS_PATH/hotplug-status" busy
SCRIPT
script half-script <<'SCRIPT'
#!/bin/busybox sh
case $1 in
add)
    /etc/xen/scripts/block add
    exit 5
    ;;
remove) exec /etc/xen/scripts/block remove ;;
esac
SCRIPT
script keeping-script <<'SCRIPT'
#!/bin/busybox sh
[ "$1" = remove ] || exec /etc/xen/scripts/block "$1"
exit 7
SCRIPT
script hanging-script <<'SCRIPT'
#!/bin/busybox sh
case $1 in online | add) sleep 1000 ;; esac
SCRIPT
echo text >/run/text-script

# A guest that comes to look for a new interface when its backend is gone again looks for ever: Linux's
# netfront waits for that backend, and for no other device after.  So it does not run meanwhile.
xl pause pv
host before
fails "Could not find bridge device nosuch" network-attach pv script=$debian/vif-bridge bridge=nosuch
fails "failed with exit status 1: no luck today" network-attach pv script=/run/exits-script
fails "failed with exit status 1: no luck today" block-attach pv script=/run/exits-script,vdev=xvdb,target=/run/pv-1
fails "failed with exit status 5" block-attach pv script=/run/half-script,vdev=xvdb,target=/run/pv-1
fails "hotplug-status: it is mounted" block-attach pv script=/run/busy-script,vdev=xvdb,target=/run/pv-1
fails "there is no script '/run/nosuch': No such file" network-attach pv script=/run/nosuch
fails "the script '/run/text-script' cannot be run: it is no executable file" network-attach pv script=/run/text-script
fails "there is no image '/run/nosuch': No such file" block-attach pv /run/nosuch,raw,xvdb,w
fails "the image '/run' is neither a file nor a block device" block-attach pv /run,raw,xvdb,w
fails "it has a device vif 0 already" network-attach pv devid=0
fails "it has a device xvda (vbd 51712) already" block-attach pv /run/pv-1,raw,xvda,w
fails "no disk is called 'xvdA'" block-attach pv /run/pv-1,raw,xvdA,w
fails "it has no device vif 7" network-detach pv 7
fails "'00:16:3e:00:00:77'" network-detach pv 00:16:3e:00:00:77
fails "'xvdq'" block-detach pv xvdq

lite network-attach pv script=/run/binary-script
host after
tail -n 1 lite.err >last
[ $status -eq 1 ] && cmp -s before after && grep -aq 'xl-lite: network-attach: cannot attach.*: a\\x1b\[31m\\x01$' last
report $? "what a script says is shown so that it does nothing to a terminal" last before after

xl unpause pv
host before
lite block-attach pv script=/run/keeping-script,vdev=xvdb,target=/run/pv-1
[ $status -eq 0 ] && await is_up "$pv" vbd 51728 && lite block-detach pv xvdb && [ $status -eq 1 ] \
    && grep -q "it is gone from the guest, but what its script takes away may be left: .* vbd 51728, .* failed with exit status 7" lite.err \
    && ! xl list -l pv | grep -q xvdb
report $? "a detach whose script fails is an error" lite.err
left=$(losetup -a | grep -vxFf before | cut -d: -f1)
await losetup -d "$left"
host after
cmp -s before after
report $? "it leaves nothing but the script's" before after

host before
began=$(cut -d. -f1 /proc/uptime)
lite network-attach pv script=/run/hanging-script
took=$(($(cut -d. -f1 /proc/uptime) - began))
host after
[ $status -eq 1 ] && grep -q "did not end in time and is killed" lite.err && [ $took -ge 39 ] && [ $took -le 60 ] && cmp -s before after
report $? "a script that hangs is killed, with what it started, and nothing is left ($took s)" lite.err before after

hangs() {
    running | grep -qx 'sleep 1000'
}
xl pause pv
host before
for signal in HUP TERM; do # SIGINT is ignored by what a shell has in the background
    xl-lite network-attach pv script=/run/hanging-script >lite.out 2>lite.err &
    lite=$!
    await hangs
    kill -$signal $lite
    wait $lite
    status=$?
    host after
    case $signal:$status in HUP:129 | TERM:143) cmp -s before after ;; *) false ;; esac
    report $? "who is interrupted by SIG$signal undoes it ($status)" lite.err before after
done

xl unpause pv

# ---- Images that are in use ----

image /run/shared
lite block-attach pv /run/shared,raw,xvdb,w
silent $status
report $? "an image is attached writable" lite.err
ln -s shared /run/link
host before
fails "the image '/run/link' is in use: domain $pv writes it, as its disk xvdb" block-attach pvh /run/link,raw,xvdb,w
fails "is in use: domain $pv writes it" block-attach pvh /run/shared,raw,xvdb,r
lite block-attach pvh '/run/shared,raw,xvdb,w!'
[ $status -eq 0 ] && lite block-detach pvh xvdb
report $? "w! shares it" lite.err
lite block-detach pv xvdb
xl block-attach pvh /run/shared,raw,xvdb,w
host before
fails "is in use: domain $pvh writes it" block-attach pv /run/shared,raw,xvdb,w
xl block-detach pvh xvdb
lite block-attach pv /run/shared,raw,xvdb,r && lite block-attach pvh /run/shared,raw,xvdb,r
[ $status -eq 0 ] && xl-lite block-detach pv xvdb && xl-lite block-detach pvh xvdb
report $? "read only it is attached twice" lite.err

# ---- Several at once ----

host before
for n in 1 2 3 4 5 6; do
    xl-lite network-attach pv >"at-once.$n" 2>&1 &
done
wait
cat at-once.* | grep -v ': waiting for ' >errors
xenstore-list "$backend/vif/$pv" | sort >got
printf '%s\n' 0 1 2 3 4 5 6 >wanted
[ ! -s errors ] && cmp -s wanted got
report $? "six interfaces that are attached at once have six numbers" errors got
for n in 1 2 3 4 5 6; do
    xl-lite network-detach pv $n >"at-once.$n" 2>&1 &
done
wait
cat at-once.* | grep -v ': waiting for ' >errors
host after
[ ! -s errors ] && cmp -s before after
report $? "and are detached at once" errors before after

# ---- A guest that does not let go ----

lite network-attach pv && await is_up "$pv" vif 1
host before
xl pause pv
lite network-detach pv 1
[ $status -eq 1 ] && grep -q "the guest did not let go of vif 1 within 10 s; it goes once the guest does" lite.err && xenstore-exists "$backend/vif/$pv/1"
report $? "network-detach from a paused guest is given up, and the device stays" lite.err
lite network-detach -f pv 1
[ $status -eq 0 ] && ! xenstore-exists "$backend/vif/$pv/1" && ! xenstore-exists "/local/domain/$pv/device/vif/1" && ! [ -e "/sys/class/net/vif$pv.1" ]
report $? "network-detach -f takes it away" lite.err
xl unpause pv

# ---- A guest of ours ----

image /run/ours
image /run/ours-1
cat >ours.cfg <<END
name = "ours"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "$LAB_GUEST_LINE"
memory = 160
vif = ["mac=00:16:3e:00:02:01"]
disk = ["/run/ours,raw,xvda,w"]
on_poweroff = "preserve"
on_reboot = "preserve"
on_watchdog = "preserve"
on_crash = "preserve"
END
all_up() { # DOMID
    is_up "$1" vif 0 && is_up "$1" vif 1 && is_up "$1" vbd 51712 && is_up "$1" vbd 51728
}
lite create -q ours.cfg
ours=$(xl domid ours)
[ $status -eq 0 ] && await is_up "$ours" vbd 51712
report $? "a guest is made by create" lite.err
xl-lite network-attach ours mac=00:16:3e:00:02:02 2>lite.err && xl-lite block-attach ours /run/ours-1,raw,xvdb,w 2>>lite.err \
    && await all_up "$ours"
report $? "devices are attached to a guest of ours" lite.err
xl save ours /run/ours.save >xl.out 2>&1 && xl restore /run/ours.save >>xl.out 2>&1 && await all_up "$(xl domid ours)"
report $? "it is saved and restored by xl, with what was attached" xl.out
rm -f /run/ours.save
lite network-detach ours 1 && silent $status && lite block-detach ours xvdb && silent $status && ! xenstore-exists "$backend/vif/$(xl domid ours)/1"
report $? "what was attached is detached then" lite.err
xl-lite destroy ours >lite.out 2>lite.err && ! losetup -a | grep -q /run/ours
report $? "and it is destroyed, with its devices" lite.err

# ---- Nothing is touched ----

host before
lite network-attach --dry-run pv bridge=br7
grep -qxF "pv (domain $pv): write $backend/vif/$pv/1/bridge = br7" lite.out && grep -qxF "pv (domain $pv): run /etc/xen/scripts/vif-bridge online type_if=vif (device vif 1)" lite.out \
    && lite block-attach --dry-run pv /run/pv-1,raw,xvdb,w && lite network-detach --dry-run pv 0 && lite block-detach --dry-run pv xvda && grep -q "wait for backends to close: vbd 51712" lite.out
report $? "--dry-run says what would be done" lite.out lite.err
host after
cmp -s before after
report $? "--dry-run changes nothing" before after
for command in network-attach network-detach block-attach block-detach; do
    refused 2 "$command: it takes" xl-lite $command
done
refused 2 "block-attach: it takes a disk, too" xl-lite block-attach pv
refused 2 "network-attach: .*'nosuch" xl-lite network-attach pv nosuch=1
refused 2 "use xl" xl-lite network-attach pv type=ioemu
refused 1 "no domain is named 'nosuch'" xl-lite network-attach nosuch
refused 1 "no domain is named 'nosuch'" xl-lite block-detach nosuch xvda

tap_end
