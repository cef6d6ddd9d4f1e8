#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make a guest with Debian's own xl.
#
# usage: lab-guest [--wait] [--type pv|pvh] [--vif] [--disk] [--shell] [--init PROGRAM | --idle] [-p] NAME [xl-create-option...]
#        lab-guest --wait-only NAME
#        lab-guest --run DOMID COMMAND
#
# It is there for the hypervisor and the store when xl returns; --wait waits until
# it has booted, too.  It is PV unless --type says otherwise; a PVH guest dies in
# about 1 boot of 30 under emulation, and is then made anew by xl, with another
# domid.  --vif and --disk, which may be repeated, give it devices.
# With --shell the guest has xenstore's tools, and runs what --run tells it, in its
# home in xenstore and with a guest's rights; --run exits with COMMAND's status.
# With --init PROGRAM, linked statically, that is all that runs there.
# With --idle its kernel is lab-idle, if the lab has it: it does nothing, and never says that it is up.
set -eu
# shellcheck source=tests/lab/await.sh
. /lab/await.sh

usage() {
    echo "usage: lab-guest [--wait] [--type pv|pvh] [--vif] [--disk] [--shell] [--init PROGRAM | --idle] [-p] NAME [xl-create-option...]" >&2
    exit 2
}

wait_up() { # NAME: until the guest's init has spoken
    await has_said "$1" "lab guest is up" || { echo "lab-guest: $1 did not come up in six minutes" >&2; exit 1; }
}

run_in() { # DOMID COMMAND: through the part of its home that it may write; its console is the bell
    home=/local/domain/$1
    xenstore-write -R "$home/data/run" "$2"
    echo >"$(xenstore-read "$home/console/tty")"
    await xenstore-exists "$home/data/ran" || { echo "lab-guest: domain $1 did not answer in six minutes" >&2; exit 1; }
    status=$(xenstore-read "$home/data/ran")
    xenstore-rm "$home/data/ran" "$home/data/run"
    exit "$status"
}

pack_shell() { # the guest's initrd, and behind it xenstore's tools with their libraries
    tools="/usr/bin/xenstore-read /usr/bin/xenstore-write /usr/bin/xenstore-rm"
    libraries=$(/lib64/ld-linux-x86-64.so.2 --list /usr/bin/xenstore-read | grep -o '/[^ ]*')
    {
        cat /lab/guest/initrd
        for file in $tools $libraries; do
            # busybox follows no link to a folder: they are files of /usr.
            echo "${file#/}" | sed 's,^lib,usr/lib,'
        done | (cd / && cpio -o -H newc 2>/dev/null)
    } >/run/lab-guests/shell
}

pack_init() { # PROGRAM: the guest's initrd, and behind it another init
    mkdir -p /run/lab-guests/program
    cp "$1" /run/lab-guests/program/init
    {
        cat /lab/guest/initrd
        (cd /run/lab-guests/program && echo init | cpio -o -H newc 2>/dev/null)
    } >/run/lab-guests/with-init
}

load_backends() { # only for guests that need them
    cat /lab/modules/xen-netback.order /lab/modules/xen-blkback.order /lab/modules/loop.order |
        tr ' ' '\n' | while read -r module; do
        [ -e "/sys/module/$(echo "$module" | tr - _)" ] || insmod "/lab/modules/$module.ko"
    done
}

mkdir -p /run/lab-guests
wait=no type=pv paused='' vifs='' disks='' letter=a count=0 kernel=/lab/guest/kernel ramdisk=/lab/guest/initrd
while [ $# -gt 0 ]; do
    case $1 in
    --wait) wait=yes ;;
    --wait-only) wait_up "$2"; exit ;;
    --type) type=$2; shift ;;
    --run) run_in "$2" "$3" ;;
    --shell) pack_shell; ramdisk=/run/lab-guests/shell ;;
    --init) pack_init "$2"; ramdisk=/run/lab-guests/with-init; shift ;;
    --idle) kernel=/usr/bin/lab-idle ;;
    --vif) count=$((count + 1)); vifs="$vifs'mac=00:16:3e:00:00:0$count',"  ;;
    --disk)
        file=/run/lab-guests/disk-$$-$letter
        dd if=/dev/zero of="$file" bs=1M count=4 2>/dev/null
        disks="$disks'format=raw,vdev=xvd$letter,access=rw,target=$file',"
        letter=$(echo "$letter" | tr a-y b-z) ;;
    -p) paused=-p ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || usage
name=$1
shift

config=/run/lab-guests/$name.cfg
cat >"$config" <<END
name = "$name"
type = "$type"
kernel = "$kernel"
ramdisk = "$ramdisk"
extra = "$LAB_GUEST_LINE"
memory = 96
vcpus = 1
vif = [ $vifs ]
disk = [ $disks ]
END
rm -f "/var/log/xen/console/guest-$name.log"
[ -z "$vifs$disks" ] || load_backends
# shellcheck disable=SC2086 # $paused is one word or none
xl create "$config" -q $paused "$@"
[ "$wait" = no ] || wait_up "$name"
