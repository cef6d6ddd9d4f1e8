#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make a PV guest with Debian's own xl.
#
# usage: lab-guest [--wait] [--vif] [--disk] [-p] NAME [xl-create-option...]
#        lab-guest --wait-only NAME
#
# It is there for the hypervisor and the store when xl returns; --wait waits until
# it has booted, too.  --vif and --disk, which may be repeated, give it devices.
set -eu

usage() {
    echo "usage: lab-guest [--wait] [--vif] [--disk] [-p] NAME [xl-create-option...]" >&2
    exit 2
}

wait_up() { # NAME: until the guest's init has spoken
    n=0
    until grep -qs "lab guest is up" "/var/log/xen/console/guest-$1.log"; do
        n=$((n + 1))
        [ "$n" -le 600 ] || { echo "lab-guest: $1 did not come up in 120 s" >&2; exit 1; }
        sleep 0.2
    done
}

load_backends() { # only for guests that need them
    cat /lab/modules/xen-netback.order /lab/modules/xen-blkback.order /lab/modules/loop.order |
        tr ' ' '\n' | while read -r module; do
        [ -e "/sys/module/$(echo "$module" | tr - _)" ] || insmod "/lab/modules/$module.ko"
    done
}

mkdir -p /run/lab-guests
wait=no paused='' vifs='' disks='' letter=a count=0
while [ $# -gt 0 ]; do
    case $1 in
    --wait) wait=yes ;;
    --wait-only) wait_up "$2"; exit ;;
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
type = "pv"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "console=hvc0 quiet rodata=off"
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
