#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What `scons demo` shows, run inside dom0.
set -u

if [ -n "${NO_COLOR:-}" ]; then
    bold='' cyan='' plain=''
else
    bold=$(printf '\033[1m') cyan=$(printf '\033[36m') plain=$(printf '\033[0m')
fi

say() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

show() {
    printf '\n%sdom0#%s %s\n' "$cyan" "$plain" "$*"
    "$@" || printf '(exit status %s)\n' "$?"
}

cat >/tmp/web.cfg <<END
name = "web"
type = "pv"
kernel = "/lab/guest/kernel"
ramdisk = "/lab/guest/initrd"
extra = "$LAB_GUEST_LINE"
memory = 96
vcpus = 1
END
say "A guest, made by xl-lite of xl's own configuration file"
show cat /tmp/web.cfg
show xl-lite create /tmp/web.cfg

say "Two more, made by Debian's own xl (lab-guest writes a config and runs xl create): one runs, one is paused."
show lab-guest db
show lab-guest -p batch

say "xl-lite on this host"
show xl-lite list
show xl-lite list db
show xl-lite list -v
show xl-lite domid web
show xl-lite domname 0
show xl-lite info
show xl-lite list --json web

say "The same list by xl itself"
show xl list

say "When something is wrong"
show xl-lite domid wbe
show xl-lite domname 4294967296

say "A program on xsutil: reads, writes, a directory and a transaction (xsutil/example.c)"
show xsutil-example
show xsutil-example
show xenstore-ls /tool/xsutil-example
