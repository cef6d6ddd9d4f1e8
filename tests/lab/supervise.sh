# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What the suites of supervise share; sourced by them.

guest() { # NAME TYPE [SETTING...]: its configuration
    name=$1
    cat >"$name.cfg" <<END
name = "$name"
type = "$2"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "$LAB_GUEST_LINE sysrq_always_enabled"
memory = 96
on_poweroff = "destroy"
on_reboot = "restart"
on_watchdog = "restart"
on_crash = "restart"
END
    shift 2
    for setting; do
        key=${setting%%=*}
        sed -i "/^$key = /d" "$name.cfg"
        echo "$setting" >>"$name.cfg"
    done
}

idle() { # NAME [SETTING...]: the configuration of one that only has to be there
    name=$1
    shift
    guest "$name" pv 'kernel="/usr/bin/lab-idle"' 'memory=16' "$@"
}

said() { # PATTERN: by the supervisor, on stdout
    grep -q -- "$1" sup.out
}

begin() { # a supervisor, in the background; $sup is its process
    : >sup.out
    : >sup.err
    xl-lite supervise >>sup.out 2>>sup.err &
    sup=$!
    await said '^looking after the guests$'
}

finish() { # as a service manager does
    kill "$sup"
    wait "$sup" && said '^told to end$'
}

uuid_of() { # NAME
    xl-lite domain-show --json "$1" | sed -n 's/.*"uuid": "\(.*\)".*/\1/p' | head -n 1
}

is_newer() { # NAME DOMID
    [ "$(xl-lite domid "$1" 2>/dev/null || echo 0)" -gt "$2" ] && ! xl-lite list --no-headers "$1" | grep -q -- '--p---'
}

made_anew() { # NAME DOMID: as another domain than that, which runs
    await is_newer "$1" "$2"
}

none_left() { # DOMID UUID: nothing of that domain is; what is, is in the file `left`
    : >left
    { lab-ls; find /var/lib/xen /run/xen; } | grep -e "/$1/" -e "$2" -e "/$1 =" >left
    ! xl-lite list "$1" >/dev/null 2>&1 && [ ! -s left ]
}

no_notes() {
    [ -z "$(ls /run/xl-lite/*.json 2>/dev/null)" ]
}
