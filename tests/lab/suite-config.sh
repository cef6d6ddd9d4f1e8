#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-lite create as a command, run inside dom0: what xl says of a file and what becomes of it, the
# console, what is refused, and what is interrupted.  What a guest is made of is compared elsewhere.
# shellcheck disable=SC2181 # exit statuses and files are looked at together
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

cat >web.cfg <<END
# as for xl
name = "web"; type = "pv"; on_poweroff = "preserve"; on_reboot = "preserve"; on_watchdog = "preserve"; on_crash = "preserve"
kernel = "/usr/bin/lab-idle"
ramdisk = '/lab/guest/initrd'
extra = "console=hvc0"
extra += " $LAB_GUEST_LINE"
memory = 0x60
vif = [ ]
vfb = []
END

state() { # all that a guest that is made would change
    xl-lite list --json 2>&1 | grep -E '"(domid|name|uuid)"'
    lab-ls | grep -v '/local/domain/0/memory\|start_time'
    find /var/lib/xen /run/xen ! -name domid-history
}
xenstore-write /vm "" /libxl "" # whose folders they are: they stay, as xl leaves them
state >before

as_before() {
    state >after
    cmp -s before after
}
unchanged() { # TITLE
    await as_before # one may take its time to die
    report $? "$1: nothing is left" before after lite.err
}

# ---- Refused, before anything is made ----

refused 2 "grub.cfg:10: bootloader = 'pygrub' has a guest find its own kernel" \
    sh -c '(cat web.cfg; echo "bootloader = \"pygrub\"") >grub.cfg; xl-lite create -q grub.cfg' 2>/dev/null
refused 2 "'type=\"hvm\"': type = 'hvm' needs a device model.*use .xl create" xl-lite create -q web.cfg 'type="hvm"'
refused 1 "'cpus=\"99\"': cpus = '99' cannot be: there is no CPU 99: they are 0 to 1" xl-lite create -q web.cfg 'cpus="99"'
refused 1 "there is no key 'mem'; did you mean 'memory'" xl-lite create -q web.cfg mem=5
refused 1 "'web': .*/nosuch" xl-lite create -q web.cfg 'kernel="/nosuch"'
refused 1 "domain 0 ('Domain-0') has the name\|has the name 'Domain-0' already" xl-lite create -q web.cfg 'name="Domain-0"'
unchanged "what is refused"

# ---- Said, and not done ----

xl-lite create -q -n web.cfg >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && grep -q '^web: write /local/domain/DOMID/name = web$' lite.out \
    && grep -q '^web: hypercall XEN_DOMCTL_unpausedomain' lite.out && ! grep -vq '^web: ' lite.out
report $? "-n says what would be done" lite.out lite.err
xl-lite create --dry-run --paused --json -f web.cfg >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.err ] && grep -q '"domid": null' lite.out && grep -q '"dry_run": true' lite.out \
    && ! grep -q unpausedomain lite.out
report $? "--dry-run --json: one object" lite.out lite.err
unchanged "a dry run"

# ---- Interrupted ----

interrupted() { # SIGNAL STATUS: while it waits for a console that nobody serves
    kill -STOP "$(pidof xenconsoled)"
    : >lite.err
    { # behind a & it would not hear of SIGINT
        await grep 'waiting for' lite.err
        xl domid web >there 2>&1
        kill "-$1" "$(pidof xl-lite)"
    } &
    xl-lite create -q web.cfg >lite.out 2>lite.err
    status=$?
    wait
    kill -CONT "$(pidof xenconsoled)"
    grep -q '^[0-9]*$' there && [ $status -eq "$2" ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 2 ]
    report $? "SIG$1, once there is a domain, ends it with $2" there lite.out lite.err
    unchanged "SIG$1"
}
interrupted INT 130
interrupted TERM 143
interrupted HUP 129

# ---- Done ----

xl create web.cfg -n >/dev/null 2>xl.err
xl-lite create -p web.cfg memory=80 'name="two"' >lite.out 2>lite.err
[ $? -eq 0 ] && [ ! -s lite.out ] && [ "$(head -n 1 xl.err)" = "$(grep -v ': waiting for ' lite.err)" ]
report $? "what xl says of the file is said, and nothing else" xl.err lite.out lite.err
xl list two | grep -q '^two  *[0-9]*  *80  *1  *--p---'
report $? "-p leaves it paused, and what is on the command line counts"
xl-lite create -q --json web.cfg 'name="three"' >lite.out 2>lite.err
[ $? -eq 0 ] && nothing_in lite.err && grep -q "\"domid\": $(xl domid three)," lite.out && grep -q '"done": true' lite.out
report $? "--json has its domid" lite.out lite.err
refused 1 "has the name 'two' already" xl-lite create -q web.cfg 'name="two"'
xl-lite destroy two three
unchanged "two, destroyed"

timeout 360 lab-pty 'lab guest is up' "$(printf '\035')" -- xl-lite create -q -c web.cfg 'kernel="/lab/guest/kernel"' >lite.out 2>lite.err
[ $? -eq 0 ] && xl list web >/dev/null
report $? "-c: the console from its beginning, until Ctrl-] is typed" lite.out lite.err
xl-lite destroy web
tap_end
