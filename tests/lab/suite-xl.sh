#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each command of the xl that is here, and each option of those that xl-lite has too, is xl-lite's
# or is answered with where to find it.  That the output is the same is seen in the other suites.
set -u
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/tap.sh"

OURS="list vcpu-list network-list block-list uptime info domid domname console pause unpause"
OURS="$OURS shutdown reboot destroy mem-set mem-max vcpu-set vcpu-pin rename sysrq trigger"

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
report $? "xl has more than ninety commands" commands
for command in $OURS; do
    grep -qx "$command" commands && has_help "$command"
    report $? "$command is xl's and xl-lite's" lite.out lite.err
done
while read -r command; do
    case " $OURS " in
    *" $command "*) ;;
    *) sends_to "$command" || cat lite.out lite.err ;;
    esac
done <commands >missed
[ ! -s missed ]
report $? "each other one of them is answered with \"use xl\"" missed

xls_options() { # COMMAND: those that its help lists, a line each; info's are on the line of its usage
    xl help "$1" | sed "s/^Usage: xl .* $1 //" | grep -oE '^[[:space:]]*-[A-Za-z](, --[a-z-]+)?' | tr -d , | grep -vx '[[:space:]]*-h'
}

for command in $OURS; do
    xls_options "$command"
done >options
[ "$(wc -l <options)" -ge 8 ]
report $? "xl's commands have options" options
for command in $OURS; do
    xl-lite "$command" --help >help
    xls_options "$command" | tr ' \t' '\n' | grep . | while read -r option; do
        grep -qE -- "(^|[ ,])$option([ ,=]|$)" help || sends_to "$command $option" || echo "$command $option"
    done
done >missed
[ ! -s missed ]
report $? "each of them is xl-lite's, or is answered with \"use xl\"" missed

tap_end
