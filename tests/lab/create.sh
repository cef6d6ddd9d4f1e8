# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034 # what a suite uses
# For suites that make domains by the library, run inside dom0: sourced by them, behind tap.sh.

# create OPTION... KEY=VALUE...: by the library; sets status, id, uuid
create() {
    lab-create "$@" >create.out 2>create.err
    status=$?
    # shellcheck disable=SC2046 # three words
    set -- $(sed -n 's/^domid //p' create.out)
    id=${1-} uuid=${3-}
}
# A guest of the lab's kernel, which boots; and one of a kernel that does nothing.
guest() { # OPTION... KEY=VALUE...
    create "$@" kernel=/lab/guest/kernel ramdisk=/lab/guest/initrd memory_kib=98304 "command_line=$LAB_GUEST_LINE"
}
idle() { # OPTION... KEY=VALUE...
    create "$@" kernel=/usr/bin/lab-idle ramdisk=/lab/guest/initrd memory_kib=16384
}

# host FILE: all that a domain may leave something in
host() {
    {
        lab-ls -p
        losetup -a
        ls /sys/class/net
        stat -c '%a %n' /var/lib/xen/* /run/lock/*
        lab-domain list
    } >"$1" 2>/dev/null
}

lab-guest -p --idle --vif --disk warm && xl destroy warm || exit 1 # from then on the backends' modules are there
dd if=/dev/zero of=/run/disk bs=1M count=4 2>/dev/null
DEVICES="nic=00:16:3e:00:00:01 disk=xvda,/run/disk"
