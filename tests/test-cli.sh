#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-lite where there is no Xen: usage, exit statuses, and one clear line when something is missing.
# What it shows on a real Xen is compared with xl in the lab (tests/lab/suite.sh).
# Environment: BUILD, the directory of xl-lite.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
out=$(mktemp) err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT

report() {
    tap "$1" "$2" "$out" "$err"
}

run() {
    "$BUILD/xl-lite" "$@" >"$out" 2>"$err"
}

# expect STATUS STREAM PATTERN ARGUMENT...: the exit status, and a line on out or err; the other
# stream stays empty, and an error is one line.
expect() {
    wanted=$1 stream=$2 pattern=$3
    shift 3
    run "$@"
    got=$?
    if [ "$stream" = out ]; then shown=$out silent=$err; else shown=$err silent=$out; fi
    [ "$got" -eq "$wanted" ] && grep -qE -- "$pattern" "$shown" && [ ! -s "$silent" ] \
        && { [ "$stream" = out ] || [ $# -eq 0 ] || [ "$(wc -l <"$err")" -eq 1 ]; }
    report $? "xl-lite $* exits $wanted, says $pattern"
}

expect 0 out '^Usage: xl-lite COMMAND' --help
expect 0 out '^Usage: xl-lite COMMAND' help
expect 0 out '^xl-lite [0-9]+\.[0-9]+\.[0-9]+$' --version
expect 2 err '^Usage: xl-lite COMMAND'
commands=$("$BUILD/xl-lite" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 12 ]
report $? "--help lists the commands"
for command in $commands; do
    expect 0 out "^Usage: xl-lite $command" $command --help
    expect 0 out '^Examples?:' $command --help
    expect 2 err "--nosuch.*xl-lite $command --help" $command --nosuch
done
expect 2 err "unknown command 'lst'; did you mean 'list'\?" lst
expect 2 err "unknown command 'ilst'; did you mean 'list'\?" ilst
expect 2 err "unknown command 'domainid'; did you mean 'domid'\?" domainid
expect 2 err "unknown command 'vcpu'; did you mean 'vcpu-list'\?" vcpu
expect 2 err "did you mean 'network2-list'\?" netwrok2-list
expect 2 err "did you mean 'block-list'\?" help block-lits
for far in xyzzy qq "" "$(printf %065d 0)"; do
    expect 2 err "unknown command '$far'; .xl-lite --help. lists" "$far"
done
expect 2 err "list: 'mac' is nothing that -o prints: name, id, uuid or state; see" list -o mac
expect 2 err "list: -o does not go with -v, -l or --json; see" list -v -o id
expect 2 err "list: Missing argument for -o; see" list -o
expect 2 err "vcpu-list: 'red' is nothing that --color can be: auto, always or never; see" vcpu-list --color=red
expect 2 err "info: Unknown option --no-headers" info --no-headers
expect 2 err "console: it takes one argument, a domain; see" console
expect 2 err "console: it takes one argument, a domain; see" console a b
expect 2 err "console: it takes one argument, a domain; see" console --escape
expect 0 out "without it they go to the terminal, as xl lets them" console --help
expect 2 err "console: 'tty' is no type of console: pv, serial or vuart; see" console -t tty x
expect 2 err "console: -1 is no console's number; see" console -n -1 x
expect 2 err "console: 4294967296 is no console's number; see" console -n 4294967296 x
expect 2 err "console: .*x.* for -n; see" console -n x x
for escape in "" xx "^ab"; do
    expect 2 err "console: '.*' is no escape character: one character, or \^ and one" console -e "$escape" x
done
expect 2 err "list: Unknown option --jsno; did you mean --json\?; see" list --jsno
expect 2 err "Unknown option --xyzzy; see" list --xyzzy
for words in "list -n" "list --numa" "list -Z" "list -v --context" "list --cpupool" "info -n" "info --numa" \
        "info -x" "info --xenstore"; do
    # shellcheck disable=SC2086 # the command's words
    expect 2 err "${words##* } is not an option of xl-lite; use .xl ${words%% *} ${words##* }" $words
done
expect 2 err "vcpu-list: Unknown option -n; see" vcpu-list -n
for command in save vncviewer pci-list qemu-monitor-command suspend resume \
    xenstore-quota-get xenstore-quota-set dt-overlay; do
    expect 2 err "'$command' is not a command of xl-lite; use .xl $command" $command x
done
expect 2 err "domid: it takes one argument" domid
expect 2 err "domid: it takes one argument" domid a b
expect 2 err "domname: it takes one argument" domname
expect 2 err "info: it takes no argument" info x
expect 2 err "supervise: it takes no argument; see" supervise web
expect 2 err "supervise: --once does not go with --forget; see" supervise --once --forget web
expect 2 err "supervise: Missing argument for --forget" supervise --forget
expect 2 err "create: --wait does not go with -c; see" create -c --wait x.cfg
for command in pause unpause destroy; do
    expect 2 err "$command: it takes at least one argument, a domain; see .xl-lite $command --help" $command
    expect 2 err "\"code\":\"usage\",\"command\":\"$command\"" $command --json --dry-run
    expect 2 err "$command: Unknown option --dry; did you mean --dry-run" $command --dry x
    expect 2 err "$command: Unknown option -a" $command -a
done
for command in shutdown reboot; do
    expect 2 err "$command: it takes at least one argument, a domain, or -a; see .xl-lite $command --help" $command
    expect 2 err "$command: it takes at least one argument" $command -w -F --dry-run
    expect 2 err "$command: -a is all domains, and takes no argument; see" $command -a x
    expect 2 err "$command: -a is all domains" $command --all -ww x
    for bad in "" 0 0.0001 -1 1e3 .5 1.5s nan 1m; do
        expect 2 err "$command: '$bad' is not a time in seconds; see" $command --timeout "$bad" x
    done
    expect 2 err "\"code\":\"usage\",\"command\":\"$command\"" $command --json
    expect 2 err "$command: Unknown option --force; .*see" $command --force x
done
expect 2 err "shutdown: '5m' is not a time in seconds; see" shutdown --force-after=5m x
expect 2 err "shutdown: --timeout does not go with --force-after; see" shutdown --timeout 5 --force-after 5 x
expect 2 err "reboot: Unknown option --force-after" reboot --force-after 5 x
for command in mem-set mem-max; do
    expect 2 err "$command: it takes at least two arguments: domains, and a size; see .xl-lite $command --help" $command
    expect 2 err "$command: it takes at least two arguments" $command web
    expect 2 err "$command: '64mb' is not a size: a number, .*; without one it is MiB; see" $command web 64mb
    expect 2 err "$command: 'web' is not a size" $command 64m web
    expect 2 err "$command: '' is not a size" $command web ""
    expect 2 err "$command: '0' is less than 1 KiB" $command web 0
    expect 2 err "$command: '8796093022208' is more than any domain can have" $command web 8796093022208
    expect 2 err "$command: '-64m' is to be the last argument, or to come after --" $command web -64m --dry-run
    expect 2 err "$command: Unknown option -m" $command web -m
done
expect 2 err "mem-set: --timeout goes with --wait" mem-set --timeout=3 web 64
expect 2 err "mem-set: '-5' is not a time in seconds" mem-set web 64 --wait --timeout -5
expect 2 err "mem-max: Unknown option --wait" mem-max --wait web 64
expect 2 err "vcpu-set: it takes at least two arguments: domains, and a number of vcpus" vcpu-set 3
for bad in "" 0 +1 2x 4294967296; do
    expect 2 err "vcpu-set: '[${bad:-x}]*' is not a number of vcpus, of which there is at least one" vcpu-set web "$bad"
done
expect 2 err "vcpu-set: --timeout goes with --wait" vcpu-set -i --timeout=3 web 1
for words in "" "web" "web 0" "web 0 1 2 3"; do
    # shellcheck disable=SC2086 # words
    expect 2 err "vcpu-pin: it takes three or four arguments: a domain, a vcpu or all, CPUs" vcpu-pin $words
done
for bad in "" x 1x -1 4294967295; do
    expect 2 err "vcpu-pin: '$bad' is not a vcpu: a number from 0 on, or all" vcpu-pin -- web "$bad" 0
done
for bad in 1x ^all 3-1 nodes: +1; do
    expect 2 err "vcpu-pin: '.*' is not CPUs: all, a number or a range" vcpu-pin web 0 "$bad"
    expect 2 err "vcpu-pin: '.*' is not CPUs: all, a number or a range" vcpu-pin web 0 - "0,$bad"
done
expect 2 err "vcpu-pin: '' is no list of CPUs" vcpu-pin web 0 ""
expect 2 err "vcpu-pin: neither affinity is to be set" vcpu-pin web 0 - -
expect 2 err "vcpu-pin: --force is for one vcpu at a time, not for all" vcpu-pin -f web all 0
expect 2 err '"command":"list",.*-o does not go with' list --json -o state
expect 2 err "rename: it takes two arguments, a domain and its new name; see" rename web
expect 2 err "rename: it takes two arguments" rename web www x
for bad in "" a/b 123 id:7 name:x uuid: "$(printf 'a\tb')" "$(printf %0241d 0)x"; do
    expect 2 err "rename: '.*' cannot be a domain's name: [a-zA-Z0-9, :]*; see" rename web "$bad"
done
expect 2 err '"code":"usage","command":"rename"' rename --json web ""
expect 2 err "sysrq: it takes at least one domain, and a letter; see" sysrq h
for bad in "" hh " " ä; do
    expect 2 err "sysrq: '.*' is not a letter or a digit; see" sysrq web db "$bad"
done
expect 2 err "trigger: it takes at least one domain, and a trigger; see" trigger
expect 2 err "trigger: it takes at least one domain, and a trigger; see" trigger nmi
expect 2 err "trigger: it takes at least one domain, and a trigger; see" trigger nmi 1
expect 2 err "trigger: 'nim' is no trigger: nmi, reset, init, power, sleep or s3resume; see" trigger web nim
expect 2 err "trigger: '7' is no trigger" trigger web 7
for bad in "" x -1 +1 1x 4294967296; do
    expect 2 err "trigger: '[${bad:-x}]*' is no vcpu's number; see" trigger -- web nmi "$bad"
done
for bad in "" 0 -1 +1 1x 9223372036854775808; do
    expect 2 err "events: '[${bad:-x}]*' is not a number of events" events -n "$bad"
done
# GLib's own reader of numbers lets a vertical tab pass, and a sign behind it.
expect 2 err "trigger: '.*1' is no vcpu's number; see" trigger -- web nmi "$(printf '\v1')"
expect 2 err "events: '.*1' is not a number of events" events -n "$(printf '\v-1')"
for bad in "" -1 1e3 .5 1.5s nan; do
    expect 2 err "events: '.*' is not a time in seconds" events --timeout "$bad"
done
for bad in "" "+1" " 1" "1x" "0x1" "1 "; do
    expect 2 err "'[${bad:-x}]*' is not a domid, which is a number from 0 to 32751" domname "$bad"
done
for bad in 32752 65536 4294967296 18446744073709551616; do
    expect 1 err "there is no domain $bad: domids go from 0 to 32751" domname $bad
done
expect 2 err "'-1' is not a domid" domname -- -1

# network-attach and its like: what can be said of their words alone.
expect 2 err "network-attach: it takes a domain, and what it is to be given; see" network-attach
expect 2 err "network-attach: .*mac='x'" network-attach 1 mac=x
expect 2 err "network-attach: .*nosuch" network-attach 1 nosuch=1
expect 2 err '"code":"usage","command":"network-attach"' network-attach --json 1 mtu=1
expect 2 err "block-attach: it takes a domain, and what it is to be given; see" block-attach
expect 2 err "block-attach: it takes a disk, too" block-attach 1
expect 2 err "block-attach: the format is to be raw" block-attach 1 /a,qcow2,xvda,w
expect 2 err "block-attach: unknown value for access: near 'x!'" block-attach 1 '/a,raw,xvda,x!'
for command in network-detach block-detach; do
    expect 2 err "$command: it takes two arguments, a domain and the number or" $command
    expect 2 err "$command: it takes two arguments, a domain and the number or" $command 1
    expect 2 err "$command: it takes two arguments, a domain and the number or" $command 1 ""
    expect 2 err "$command: it takes two arguments, a domain and the number or" $command 1 2 3
done

# create: all that its file can be, before anything is asked of Xen.
config=$(mktemp)
trap 'rm -f "$out" "$err" "$config"' EXIT
printf 'name = "web"\nkernel = "/k"\n' >"$config"
expect 2 err "create: it takes a file with a guest's configuration; see" create
expect 2 err "create: it takes a file with a guest's configuration; see" create memory=64
expect 2 err "create: it takes one file, and 'b' is a second one; see" create a b
expect 2 err "create: it takes one file, and 'b' is a second one; see" create -f a b
expect 2 err "\"code\":\"usage\",\"command\":\"create\",.*--json does not go with -c" create -c --json a
for option in -V --vncviewer -A --vncviewer-autopass -F -e -d -i --ignore-global-affinity-masks; do
    expect 2 err "create: $option is not an option of xl-lite; use .xl create $option" create $option x
done
expect 1 err "create: cannot read '/nonexistent': No such file" create -q /nonexistent
expect 1 err "create: cannot read '/': it is a directory" create -q /
expect 1 err '"code":"failed","command":"create","domains":\[\],"message":"cannot read' create --json /
expect 1 err "create: 'memory=64m': syntax error, unexpected a word" create -q "$config" memory=64m
expect 1 err "create: 'nmae=1': there is no key 'nmae'; did you mean 'name'" create -q "$config" nmae=1
expect 1 err "create: 'vif=1': vif = '1' is to be a list" create -q vif=1 "$config"
expect 2 err "create: 'vnc=1': vnc = '1' needs a device model, which xl-lite has not; use .xl create" create -q "$config" vnc=1
expect 2 err '"code":"unsupported","command":"create"' create --json "$config" 'type="hvm"'
expect 1 err "create: 'name=\".x1b\"': name = '.x1b' has a control character" create -q "$config" "$(printf 'name="\033"')"
printf 'name = "web"\nmemory = "x"\n' >"$config"
expect 1 err "create: $config:2: memory = 'x' is not memory in MiB" create -q -f "$config"
run create "$config"
[ "$(sed -n 1p "$err")" = "Parsing config from $config" ] && [ "$(wc -l <"$err")" -eq 2 ] && [ ! -s "$out" ]
report $? "create says which file is read, as xl does"
printf 'name = "web"\nkernel = "/k"\n' >"$config"

# With --json errors are JSON, one object on one line.
expect 2 err '^\{"schema":1,"error":\{"code":"usage","command":"list","domains":\[\],"message":"Unknown option --nosuch; .*"\}\}$' list --nosuch --json
expect 2 err '^xl-lite: list: Unknown option --nosuch' list --nosuch -- --json
expect 2 err '^\{"schema":1,"error":\{"code":"usage","command":null,.*did you mean .list' lst --json
expect 1 err '^\{"schema":1,"error":\{"code":"not_found","command":"domname","domains":\["40000"\],"message":"there is no domain 40000: ' domname --json 40000

# Without a hypervisor every command says so, in one line of its own and no library's.
if [ -e /dev/xen/privcmd ] || [ -e /proc/xen/privcmd ]; then
    echo "# this machine is a Xen host: what happens without one was not tried"
else
    for command in "list" "list -v" "list 0" "domid x" "domname 0" "info" "vcpu-list" "uptime" \
        "list -l" "list -o id" "domain-show x" "console x" "block-list" "events" "list --watch" \
        "pause x" "unpause 1 x" "pause --dry-run x" "shutdown -w -w x" "shutdown -ww -F x y" "shutdown -a" \
        "shutdown --force-after=1.5 x" "reboot -aw --timeout 5" "destroy -f x" \
        "mem-set x 64" "mem-set x -64m" "mem-max 1 x +1g" \
        "vcpu-set -i x 4" "vcpu-pin x all 0-3,^1 nodes:0" "vcpu-pin -f x 0 - -" \
        "rename x y" "sysrq x y h" "trigger x NMI 1" "trigger nmi reset" \
        "create -q $config" "create -qpf $config memory=5" "create -qn $config" "create --dry-run -qc $config"; do
        # shellcheck disable=SC2086 # words
        expect 1 err "^xl-lite: ${command%% *}: .*not running on Xen" $command
    done
    expect 1 err "^xl-lite: list: 'a', 'x.x1b', 'b': not running on Xen" list a "$(printf 'x\033')" b
    expect 1 err '^\{"schema":1,"error":\{"code":"no_xen","command":"list","domains":\["a","b\\u001b"\],"message":"not' \
        list a --json "$(printf 'b\033')"
    for command in "list" "create $config vif=['bridge=a'] disk=['/a,raw,xvda,w']"; do
        # shellcheck disable=SC2086 # words
        valgrind -q --error-exitcode=99 --leak-check=full "$BUILD/xl-lite" $command >"$out" 2>"$err"
        [ $? -eq 1 ]
        report $? "failing is clean under valgrind: ${command%% *}"
    done
fi

"$BUILD/xl-lite" --help >/dev/full 2>"$err"
[ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
report $? "a full disk is an error that is reported"
valgrind -q --error-exitcode=99 --leak-check=full "$BUILD/xl-lite" list --help >"$out" 2>"$err"
report $? "help is clean under valgrind"
tap_end
