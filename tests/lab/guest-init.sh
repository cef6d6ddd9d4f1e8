#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest's init: say that it is up, then sleep.  Drivers are loaded only when
# there is a device for them, because each costs a guest under emulation time.
/bin/busybox mount -t sysfs sys /sys
for device in vif:xen-netfront vbd:xen-blkfront; do
    for found in /sys/bus/xen/devices/"${device%%:*}"-*; do
        [ ! -e "$found" ] || {
            for module in $(/bin/busybox cat "/modules/${device#*:}.order"); do
                /bin/busybox insmod "/modules/$module.ko"
            done
            break
        }
    done
done
echo "lab guest is up"
exec /bin/busybox sleep 1000000000
