#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# dom0's init.  It starts what a Xen host runs, then takes commands from the
# host on one virtio port ("in") and answers on another ("out").  The console
# stays what it is, a log: nothing that a test prints goes there.
set -u

/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
# Guests' consoles are terminals here.
/bin/busybox mkdir /dev/pts
/bin/busybox mount -t devpts pts /dev/pts
/bin/busybox --install -s /usr/bin
# Debian's tools come first, so that no busybox applet hides one of them.
export PATH=/usr/lib/xen/bin:/usr/sbin:/usr/bin HOME=/root
# What udev would add to /dev, and shell scripts use.
ln -s /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${n%:*}" "/dev/${n#*:}"
done
# Or each program looks for each of its libraries in a dozen folders.
ldconfig -X
hostname dom0
# LAB_TOKEN (what sets our messages apart from output), LAB_DAEMON, LAB_GUESTS, LAB_GUEST_LINE (of
# their kernels), TERM
# shellcheck source=/dev/null
. /lab/env

load() { # MODULE...: with all it needs, as far as it is not built in or there already
    for wanted; do
        [ -e "/lab/modules/$wanted.order" ] || continue
        tr ' ' '\n' <"/lab/modules/$wanted.order" | while read -r module; do
            [ -e "/sys/module/$(echo "$module" | tr - _)" ] ||
                insmod "/lab/modules/$module.ko" || echo "lab: no module $module"
        done
    done
}

port() { # NAME: the device of the virtio port that QEMU gave this name, once it has told
    while :; do
        for node in /sys/class/virtio-ports/*; do
            [ "$(cat "$node/name" 2>/dev/null)" != "$1" ] || [ ! -e "/dev/${node##*/}" ] || {
                echo "/dev/${node##*/}"
                return
            }
        done
        sleep 0.1
    done
}

tell() { # WORDS...: a message to the host, between the lines of output
    printf '\036%s %s\036' "$LAB_TOKEN" "$*" >&5
}

give_up() { # WHY
    tell "failed $*"
    sleep 1000
}

start_xen() { # the store, dom0's own nodes, guests' consoles
    mount -t xenfs xenfs /proc/xen
    mkdir -p /run/xen /run/xenstored /run/lock /var/lib/xen /var/lib/xenstored /var/log/xen/console
    ln -s /run/lock /var/lock
    # shellcheck disable=SC3045 # busybox has it; oxenstored wants to raise its own
    ulimit -n 65536
    case $LAB_DAEMON in
    oxenstored) oxenstored --pid-file /run/xen/xenstored.pid ;;
    *) xenstored --pid-file /run/xen/xenstored.pid ;;
    esac || give_up "$LAB_DAEMON did not start"
    xen-init-dom0 || give_up "xen-init-dom0 failed"
    xenconsoled --log=guest --log-dir=/var/log/xen/console || give_up "xenconsoled did not start"
}

start_guests() { # the guests asked for, all booting at once, then all up
    n=0
    while [ "$n" -lt "$LAB_GUESTS" ]; do
        n=$((n + 1))
        tell "stage creating guest g$n"
        lab-guest "g$n" || give_up "guest g$n was not created"
    done
    while [ "$n" -gt 0 ]; do
        lab-guest --wait-only "g$n" || give_up "guest g$n did not come up"
        n=$((n - 1))
    done
}

answer() { # WORD BASE64: do what the host asks; its exit status goes back
    echo "$2" | base64 -d >/run/lab-command
    status=0
    # The output goes through a pipe, so that /dev/stdout and /dev/stderr can be
    # opened as usual: the port itself can be opened only once.
    case $1 in
    run) sh /run/lab-command </dev/null 3<&- || status=$? ;;
    feed) sh /run/lab-command <&3 3<&- || status=$? ;;
    esac >/run/lab-output 2>&1
    tell "exit $status"
}

load virtio-pci virtio-console
exec 3<"$(port in)" 4>"$(port out)"
mkfifo /run/lab-output /run/lab-moment
cat /run/lab-output >&4 &
# Held open, or cat would end with the first writer.
exec 5>/run/lab-output
tell "stage dom0 is up"
load xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc
start_xen
tell "stage $LAB_DAEMON is up"
start_guests
tell ready
while read -r word command <&3; do
    answer "$word" "$command"
done
poweroff -f
