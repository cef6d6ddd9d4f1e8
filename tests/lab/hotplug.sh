#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The least a backend needs from dom0's user space before it may connect; Debian's
# own hotplug scripts want udev, bash and a bridge.  Installed as vif-bridge and
# as block; the toolstack passes the backend's node in XENBUS_PATH.
set -eu
node=$XENBUS_PATH

attach_disk() { # a loop device for the file, named to the backend by number
    file=$(xenstore-read "$node/params")
    # Disks are attached at the same time: another one may take it first.
    until loop=$(losetup -f) && losetup "$loop" "$file" 2>/dev/null; do
        n=$((${n:-0} + 1))
        [ "$n" -lt 20 ]
        sleep 0.1
    done
    xenstore-write "$node/node" "$loop" \
        "$node/physical-device" "$(stat -c %t:%T "$loop")" "$node/physical-device-path" "$loop"
}

case ${0##*/}:$1 in
block:add) attach_disk ;;
block:remove) losetup -d "$(xenstore-read "$node/node")" || true ;;
esac
case $1 in
online | add) xenstore-write "$node/hotplug-status" connected ;;
esac
