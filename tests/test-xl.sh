#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each command of the release's xl, and each option of those that xl-lite has too, is xl-lite's or is
# answered with where to find it.  What xl's help says needs no hypervisor, but a store to connect to;
# that the output of commands is the same is seen in the lab.
# Environment: BUILD, the directory of the programs, XEN_PARTS and XSU_PRELOAD as for all tests.
set -u
if [ "${1-}" != --beside ]; then
    exec timeout 600 "$BUILD/tests/with-daemon" xenstored sh "$0" --beside
fi
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
PATH=$BUILD:$PATH
libraries=$(printf '%s:' "$XEN_PARTS"/root/usr/lib/*-linux-gnu)

# As the daemons, it is told that there is a hypervisor.
xl() {
    LD_LIBRARY_PATH=$libraries LD_PRELOAD=$XSU_PRELOAD "$XEN_PARTS"/root/usr/lib/xen-*/bin/xl "$@" 2>>xl.err
}

OURS="list vcpu-list network-list block-list uptime info domid domname console pause unpause"
OURS="$OURS shutdown reboot destroy mem-set mem-max vcpu-set vcpu-pin rename sysrq trigger create"

has_help() { # COMMAND
    xl-lite "$1" --help >lite.out 2>lite.err && grep -q "^Usage: xl-lite $1" lite.out && [ ! -s lite.err ]
}

sends_to() { # XL'S WORDS: exit status 2 and one line that says to use xl
    # shellcheck disable=SC2086 # words
    xl-lite $1 >lite.out 2>lite.err
    [ $? -eq 2 ] && [ ! -s lite.out ] && [ "$(wc -l <lite.err)" -eq 1 ] && grep -qF "; use \`xl $1\`" lite.err
}

xl help | awk '/^ [a-z]/ { print $1 }' >commands
[ "$(wc -l <commands)" -gt 90 ]
tap $? "xl has more than ninety commands" commands xl.err
for command in $OURS; do
    grep -qx "$command" commands && has_help "$command"
    tap $? "$command is xl's and xl-lite's" lite.out lite.err
done
while read -r command; do
    case " $OURS " in
    *" $command "*) ;;
    *) sends_to "$command" || cat lite.out lite.err ;;
    esac
done <commands >missed
[ ! -s missed ]
tap $? "each other one of them is answered with \"use xl\"" missed

xls_options() { # COMMAND: those that its help lists, a line each; info's are on the line of its usage
    xl help "$1" | sed "s/^Usage: xl .* $1 //" | grep -oE '^[[:space:]]*-[A-Za-z](, --[a-z-]+)?' | tr -d , | grep -vx '[[:space:]]*-h'
}

for command in $OURS; do
    xls_options "$command"
done >options
[ "$(wc -l <options)" -ge 8 ]
tap $? "xl's commands have options" options
for command in $OURS; do
    xl-lite "$command" --help >help
    xls_options "$command" | tr ' \t' '\n' | grep . | while read -r option; do
        grep -qE -- "(^|[ ,])$option([ ,=]|$)" help || sends_to "$command $option" || echo "$command $option"
    done
done >missed
[ ! -s missed ]
tap $? "each of them is xl-lite's, or is answered with \"use xl\"" missed

tap_end
