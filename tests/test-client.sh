#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/clients/xenstore.c does what the stock xenstore-* tools do: each command is given to both,
# each beside a daemon of its own that has been told the same, and what they print, how they end and
# what is in the stores afterwards is compared.  What is different on purpose comes last.
# Environment: BUILD, the directory of the programs, XEN_PARTS and XSU_PRELOAD as for all tests.
# shellcheck disable=SC2317,SC1003,SC2046 # part() calls what it is given; values; pairs are words
set -u
if [ "${1-}" != --beside ]; then
    exec timeout 600 "$BUILD/tests/with-daemon" C1=xenstored C2=xenstored O1=oxenstored O2=oxenstored \
        E1=oxenstored-eagain E2=oxenstored-eagain sh "$0" --beside
fi
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/ours" "$dir/stock"
for name in xenstore xenstore- xenstore-foo bar xenstore-read xenstore-write xenstore-list xenstore-ls \
    xenstore-rm xenstore-exists xenstore-chmod xenstore-watch; do
    ln -s "$(realpath "$BUILD/tests/xenstore")" "$dir/ours/$name"
    ln -s "$(realpath "$XEN_PARTS/root/usr/bin/xenstore")" "$dir/stock/$name"
done

# at DAEMON: the daemons of all that follows, by the variables that name them.
at() {
    on=$1
    eval "ours=\$${1}1 stock=\$${1}2"
}

# alone WHOSE COMMAND...: appends to the logs $dir/WHOSE.{out,err}.
alone() {
    whose=$1
    shift
    cd "$dir/$whose" || exit 99
    eval "export XENSTORED_PATH=\"\$$whose\""
    printf '## %s\n' "$*" >>"$dir/$whose.err"
    printf '## %s\n' "$*" >>"$dir/$whose.out"
    "$@" >>"$dir/$whose.out" 2>>"$dir/$whose.err" </dev/null
    status=$?
    echo "-> $status" >>"$dir/$whose.err"
    return $status
}

# both COMMAND...: one that changes nothing.
both() {
    alone ours "$@"
    alone stock "$@"
    commands=$((commands + 1))
}

# changes COMMAND...: and then both stores are shown, by the same program.
changes() {
    both "$@"
    for store in ours stock; do
        eval "export XENSTORED_PATH=\"\$$store\""
        ./xenstore-ls -fp >>"$dir/$store.out"
    done
}

# part NAME: what a function makes both print and do is the same.  Stock of Xen 4.20 takes -s as that
# of 4.17 does, and names it no more.
part() {
    commands=0
    rm -f "$dir"/*.out "$dir"/*.err
    $1
    sed -i '/[Uu]sage: /s/ \[-s]//' "$dir"/*.out "$dir"/*.err
    diff -a -U1 -F '^## ' "$dir/stock.out" "$dir/ours.out" >"$dir/difference"
    tap $? "$on: $1, output and effect of $commands commands" "$dir/difference"
    diff -a -U1 -F '^## ' "$dir/stock.err" "$dir/ours.err" >"$dir/difference"
    tap $? "$on: $1, errors and status" "$dir/difference"
    [ "$commands" -gt 0 ]
    tap $? "$on: $1 did something"
}

# silently COMMAND...: with both; it must succeed.
silently() {
    if ! alone ours "$@" || ! alone stock "$@"; then
        tap 1 "$on: $1 for both" "$dir/ours.err" "$dir/stock.err"
    fi
}

# $1 times the letter $2.
repeat() { printf "%$1s" '' | tr ' ' "$2"; }

usage() {
    both ./xenstore
    both ./bar
    both ./bar read
    both ./xenstore-foo
    both ./xenstore-
    both ./xenstore- read /usage
    both ./xenstore bogus
    both ./xenstore -h
    both ./xenstore control
    silently ./xenstore-write /usage value
    for mode in read write list ls rm exists chmod watch; do
        both "./xenstore-$mode" -h
        both ./xenstore "$mode" --help
        if [ "$mode" != watch ]; then # which would not end
            both ./xenstore "$mode" -Z /usage n0
            both "./xenstore-$mode" --bogus /usage n0
        fi
        both ./xenstore "$mode" -Z
        for option in --flat --prefix --tidy --upto --recurse --raw -f -p -t -u -r -R -s; do
            [ "$mode$option" = watch-s ] || both "./xenstore-$mode" "$option" /usage
        done
        both "./xenstore-$mode"
        silently ./xenstore-write /usage value
    done
    both ./xenstore-write /usage
    both ./xenstore-write /usage a /b
    both ./xenstore-watch -n
    both ./xenstore-ls -n 1 /usage
    both ./xenstore-read /usage -p
    both ./xenstore-read -- /usage -p
    both ./xenstore-read -pRs /usage
    both ./xenstore-ls --fl /usage
}

# A store of a few nodes with the oddest values.
values() {
    all=$(i=1 && while [ "$i" -lt 256 ]; do printf '\\x%02x' "$i" && i=$((i + 1)); done)
    changes ./xenstore-write /v/all "$all" /v/nul 'a\0b\000\08' /v/empty '' /v/plain "it's \"plain\""
    for text in '\x4' '\xg1' '\777' '\08' '\x 4z' '\x-1' '\x0x41' 'q\' '\a\b\"' '\1a' '\18' '\r\t\n\\' \
        '\x' '\' '\\' 'a\x' '\9' '%s%n' "$(printf 'tab\there, line\nthere, \303\244, \377')"; do
        changes ./xenstore-write /v/escape "$text"
        both ./xenstore-read /v/escape
        both ./xenstore-read -R /v/escape
        changes ./xenstore-write -R /v/raw "$text" /v/escape "$text"
        both ./xenstore-read -p /v/raw
        both ./xenstore-ls /v
    done
    for node in all nul empty plain; do
        both ./xenstore-read "/v/$node"
        both ./xenstore-read -R "/v/$node"
        both ./xenstore-read -p "/v/$node" "/v/$node"
    done
    [ "$on" = O ] || both ./xenstore-read ''
    both ./xenstore-read -pR /v/all /v/empty /v/nul
    both ./xenstore-ls -fp /v
    changes ./xenstore-write /v/long "$(repeat 2000 v)"
    changes ./xenstore-write /v/longer "$(repeat 4200 v)"
    both ./xenstore-read /v/long
    changes ./xenstore-rm /v
}

# Paths of all kinds, for all commands.
paths() {
    silently ./xenstore-write /p/a/b 1 /p/c 2 /p/d '' "/p/-_@1A/x" 3
    for path in /p /p/a /p/a/b / /absent /absent/too /p/ //p /p//a . rel 'a b' /p/a: \
        /local/domain/0 "/p/$(repeat 300 n)" tool /tool/../p; do
        for mode in read exists ls 'ls -fp' 'list -p'; do
            # shellcheck disable=SC2086 # options are words
            both ./xenstore-$mode "$path"
        done
        case $on$path in
        O/) ;; # emptied by stock
        *)
            changes ./xenstore-rm "$path"
            changes ./xenstore-rm -t "$path/x"
            ;;
        esac
        changes ./xenstore-write "$path" new
        changes ./xenstore-chmod "$path" n0 r7
        silently ./xenstore-rm /p
        silently ./xenstore-write /p/a/b 1 /p/c 2 /p/d ''
    done
    changes ./xenstore-rm /absent
    both ./xenstore-read /p/c /absent /p/d
    both ./xenstore-list -p /p/a /p /absent /p
    both ./xenstore-exists /p /p/a
    both ./xenstore-exists /p /absent
    both ./xenstore-ls /p/a /p
    both ./xenstore-ls /p/a /absent /p
}

relative() {
    changes ./xenstore-write rel/a/b 1 rel/c 2
    both ./xenstore-read rel/a/b /local/domain/0/rel/c
    both ./xenstore-list -p rel
    both ./xenstore-ls -fp rel
    both ./xenstore-ls rel /local
    changes ./xenstore-chmod -r rel n0 r3
    changes ./xenstore-chmod -u rel/a/b n0 r4
    changes ./xenstore-chmod -u rel n0 r5
    changes ./xenstore-rm -t rel/a/b
    changes ./xenstore-rm -t rel/c
}

removing() {
    silently ./xenstore-write /r/a/b/c '' /r/a/b/d '' /r/e/f/g '' /r/e/f '' /r/e 'not empty'
    changes ./xenstore-rm -t /r/a/b/c
    changes ./xenstore-rm -t /r/a/b/d /r/e/f/g
    changes ./xenstore-rm -t /r/absent
    changes ./xenstore-rm /r/e/f /absent/absent /r/e
    changes ./xenstore-rm /r/e /r/absent
    silently ./xenstore-write /r/a/b/c ''
    changes ./xenstore-rm -t /r/a/b/c
    changes ./xenstore-write /r/1 a /absent//x b /r/2 c
    changes ./xenstore-write /r/1 a /r/1 b /r/1/2 c
}

permissions() {
    silently ./xenstore-write /m/a/b/c 1 /m/a/d 2 /m/e 3
    for spec in n0 r0 w0 b0 'n0 r3' 'b1 w2 r3 n4' 'r32751' 'n0 x1' 'q' '' 'N0' 'n0 r1 r1'; do
        # shellcheck disable=SC2086 # several permissions are words
        changes ./xenstore-chmod /m/a $spec
        for option in -r -u -ru; do
            # shellcheck disable=SC2086
            changes ./xenstore-chmod $option /m/a/b $spec
        done
    done
    changes ./xenstore-chmod /m/a ''
    changes ./xenstore-chmod -r /m
    changes ./xenstore-chmod -r /absent n0
    changes ./xenstore-chmod -u /m/absent n0
    changes ./xenstore-chmod -u / n0 r3
    changes ./xenstore-chmod -r /m n0
    changes ./xenstore-rm /m
}

widths() {
    silently ./xenstore-write /w/short x /w/v60 "$(repeat 60 v)" /w/v66 "$(repeat 66 v)" /w/v70 "$(repeat 70 v)" \
        /w/long "$(repeat 300 v)" "/w/$(repeat 200 n)/deep/er/still" "$(repeat 50 v)" \
        /w/escapes "$(printf '\\n%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)" /w/e ''
    for options in '' -f -p -fp; do
        # shellcheck disable=SC2086 # none is no word
        both ./xenstore-ls $options /w
        for columns in 0 1 2 9 13 14 40 61 80 200; do
            both script -qec "stty cols $columns; exec ./xenstore-ls $options /w" /dev/null
        done
    done
}

# Some thousands of nodes.
large() {
    for branch in a b c; do
        silently ./xenstore-write $(seq 1 400 | sed "s|.*|/l/$branch/node-&/x v&|")
        silently ./xenstore-write $(seq 1 200 | sed "s|.*|/l/$branch/node-&/x/deep/er &|")
    done
    for options in '' -f -p -fp; do
        # shellcheck disable=SC2086
        both ./xenstore-ls $options /l
        # shellcheck disable=SC2086
        both ./xenstore-ls $options
    done
    both ./xenstore-list -p /l/a /l/b /l/c
    both ./xenstore-read -p $(seq -f "/l/a/node-%.0f/x" 1 400)
    changes ./xenstore-chmod -r /l/b n0 r9
    changes ./xenstore-rm /l/a
    changes ./xenstore-rm /l
}

# await COUNT FILE PID: so many lines are in it, or the process has ended.
await() {
    tries=0
    while [ "$(wc -l <"$2")" -lt "$1" ] && kill -0 "$3" && [ "$tries" -lt 3000 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
}

# watches KEYS...: what they tell, while each line of the standard input is done to the store.  An
# event is waited for before the next change: C xenstored drops those that are waiting already.
watches() {
    for whose in ours stock; do
        eval "export XENSTORED_PATH=\"\$$whose\""
        : >"$dir/events"
        cd "$dir/$whose" || exit 99
        timeout 120 ./xenstore-watch "$@" >"$dir/events" 2>>"$dir/$whose.err" </dev/null &
        watcher=$! seen=0
        while read -r lines command; do
            seen=$((seen + lines))
            await "$seen" "$dir/events" "$watcher" 2>/dev/null
            # shellcheck disable=SC2086 # commands are words
            [ -z "$command" ] || ./xenstore-$command
        done <"$dir/script"
        wait "$watcher"
        echo "## watch $* -> $?" | cat - "$dir/events" >>"$dir/$whose.out"
    done
    commands=$((commands + 1))
}

watching() {
    silently ./xenstore-write /watched/x 1 /other 1
    cat >"$dir/script" <<'END'
2 write /watched/x 2
1 write /watched/new/node 3
1 write /other 4
1 write /else 5
0 rm /watched/x
1 chmod /watched/new n0 r3
1 rm /other
END
    watches -n 7 /watched /other
    echo 1 'write rel/x 1' >"$dir/script"
    silently ./xenstore-write rel/x 0
    watches -n 2 rel
    echo 2 >"$dir/script"
    watches -n 2 @releaseDomain @introduceDomain
    : >"$dir/script"
    watches -n 2 --number=1 /watched
    watches -n 0 /watched
    watches -n x /watched
    watches -n 1 /watched /watched
    watches -n 1 /bad/
}

refuse="$BUILD/tests/with-daemon --refuse"

# What may not be read: ours goes on where stock ends, so its output begins as stock's does.
refused() {
    silently ./xenstore-write /u/a/b 1 /u/secret/x 2 /u/z 3
    for command in 'read /u/a /u/secret' 'list /u/secret' 'exists /u/secret' 'ls /u/secret' 'ls -fp /u/a'; do
        # shellcheck disable=SC2086 # commands are words
        both $refuse /u/secret ./xenstore-$command
    done
}

# It must print as much as stock, and then the rest.
refused_below() {
    silently ./xenstore-write /u/a/b 1 /u/secret/x 2 /u/z 3
    for options in '' -p -f -fp; do
        rm -f "$dir"/*.out "$dir"/*.err
        for whose in ours stock; do
            # shellcheck disable=SC2086
            alone $whose $refuse /u/secret ./xenstore-ls $options /u
        done
        head -c "$(wc -c <"$dir/stock.out")" "$dir/ours.out" | cmp - "$dir/stock.out" >"$dir/difference" 2>&1
        tap $? "$on: ls $options of what may not be read begins as stock's" "$dir/difference" "$dir/ours.out"
        cmp "$dir/stock.err" "$dir/ours.err" >"$dir/difference" 2>&1
        tap $? "$on: ls $options ends as stock's" "$dir/difference" "$dir/ours.err"
        [ "$(wc -l <"$dir/ours.out")" -eq 6 ]
        tap $? "$on: and all that may be is there" "$dir/ours.out"
    done
}

# Without a daemon at all.
nobody() {
    for command in 'read /x' 'write /x 1' 'list /' 'ls' 'rm /x' 'exists /x' 'chmod /x n0' 'watch /x' 'read -s /x'; do
        # shellcheck disable=SC2086
        both ./xenstore-$command
    done
}

# expect TITLE STATUS COMMAND...: of ours alone.
expect() {
    title=$1 wanted=$2
    shift 2
    rm -f "$dir"/ours.out "$dir"/ours.err
    alone ours "$@"
    [ $? -eq "$wanted" ]
    tap $? "$on: $title" "$dir/ours.out" "$dir/ours.err"
}

# is_printed TITLE: what is in $dir/wanted is what that has printed, in any order.
is_printed() {
    sort -o "$dir/wanted" "$dir/wanted"
    sed 1d "$dir/ours.out" | sort | diff -a "$dir/wanted" - >"$dir/difference"
    tap $? "$on: $1" "$dir/difference"
}

fill() {
    name=$(repeat 60 n)
    silently ./xenstore-write $(seq 1000 1150 | sed "s|.*|/long/$name-& &|") /long/zzz/below 1
}

# A directory whose names exceed a message.
long_directory() {
    fill
    both ./xenstore-list /long
    both ./xenstore-ls -fp /long
    changes ./xenstore-chmod -r /long n0 r8
    changes ./xenstore-rm /long
}

# The same where stock cannot list it.
longer_than_stock() {
    fill
    expect "list of a long directory" 0 ./xenstore-list /long
    { seq 1000 1150 | sed "s|^|$name-|" && echo zzz; } >"$dir/wanted"
    is_printed "all of it"
    expect "chmod -r of it" 0 ./xenstore-chmod -r /long n0 r8
    expect "ls of it" 0 ./xenstore-ls -fp /long
    { seq 1000 1150 | sed "s|.*|/long/$name-& = \"&\"   (n0,r8)|" && echo '/long/zzz = ""   (n0,r8)' \
        && echo '/long/zzz/below = "1"   (n0,r8)'; } >"$dir/wanted"
    is_printed "and all of that"
    expect "rm of it" 0 ./xenstore-rm /long
    expect "it is gone" 1 ./xenstore-exists /long
}

better() {
    expect "the root cannot be removed" 1 ./xenstore-rm /
    expect "nothing was" 0 ./xenstore-exists /tool
    expect "chmod -r of the root" 0 ./xenstore-chmod -r / n0 r6
    expect "ls" 0 ./xenstore-ls -fp
    sed 1d "$dir/ours.out" | grep -v '(n0,r6)$' >"$dir/difference"
    [ ! -s "$dir/difference" ]
    tap $? "$on: it reached all" "$dir/difference"
    for path in '' "$(repeat 3100 n)" "/$(repeat 3100 n)" @p; do
        for command in read ls list exists rm; do
            # shellcheck disable=SC2086 # options are words
            expect "what is no path is refused" 1 ./xenstore-$command "$path"
        done
        expect "what is no path is not written" 1 ./xenstore-write "$path" value
        expect "nor changed" 1 ./xenstore-chmod "$path" n0
    done
    for spec in n nx n-1 n99999999999 n0,r1 'n 1'; do
        expect "permissions '$spec' are refused" 1 ./xenstore-chmod /tool "$spec"
    done
}

for daemon in C O; do
    at $daemon
    for name in usage values paths relative removing permissions widths large watching refused; do
        case ${PARTS-$name} in *"$name"*) part $name ;; esac
    done
    refused_below
    [ "$on" = O ] || part long_directory
    [ "$on" = C ] || longer_than_stock
    better
done
at E
part removing
part permissions
# shellcheck disable=SC2034 # by eval
on='no daemon' ours=/nowhere/socket stock=/nowhere/socket
part nobody
tap_end
