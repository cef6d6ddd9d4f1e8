#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# release.sh where it cannot do its work: one clear line each, and nothing left behind that the next
# run trips over.  And what .ci/run counts.
# The programs that need root or a network are replaced by short scripts.
# Environment: SOURCE, the checkout.
# shellcheck disable=SC2016,SC2317 # scripts are written in single quotes; check() calls what it is given
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/bare"
out=$work/out err=$work/err
export XDG_CACHE_HOME="$work/cache"
cache=$work/cache/xl-lite
mirror=http://mirror.invalid/debian/

# replace NAME LINE...: what NAME does from now on.
replace() {
    name=$1
    shift
    { echo '#!/bin/sh' && printf '%s\n' "$@"; } >"$work/bin/$name"
    chmod +x "$work/bin/$name"
}

# All goes well.  setpriv, unshare: only the command.
all_well() {
    rm -rf "$work/cache"
    replace id 'echo 0'
    replace setpriv 'shift 2; exec "$@"'
    replace unshare 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"'
    replace apt-get "echo \"\$(. /etc/os-release && echo \"\$VERSION_CODENAME\") $mirror main\""
    replace apt-config ''
    replace wget ''
    replace git ''
    replace mount ''
    replace chroot ''
    replace df 'echo 1000'
    replace debootstrap 'mkdir -p "$3/etc/apt/apt.conf.d" "$3/etc/dpkg/dpkg.cfg.d"'
}

release() {
    PATH=$work/bin:$PATH "$SOURCE/tests/release.sh" "$@" >"$out" 2>"$err"
}

# expect STATUS PATTERN ARGUMENT...: the exit status, and one line that says why.
expect() {
    wanted=$1 pattern=$2
    shift 2
    release "$@"
    [ $? -eq "$wanted" ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q -- "$pattern" "$err" &&
        [ ! -e "$cache/nosuch" ] && [ ! -e "$cache/nosuch.new" ]
    tap $? "exit status $wanted: $pattern" "$out" "$err"
}

check() { # TITLE COMMAND...
    title=$1
    shift
    "$@" >"$work/check" 2>&1
    tap $? "$title" "$work/check" "$out" "$err"
}

makes_one() { # a chroot is made, and tests run in it
    release nosuch && grep -q 'making a chroot' "$out" && [ -d "$cache/nosuch" ]
}

uses_kept() {
    release nosuch && ! grep -q 'making a chroot' "$out"
}

fails() { # SAID FILE: in the chroot that is kept
    ! release nosuch && grep -q "$1" "$2" && ! grep -q 'making a chroot' "$out"
}

all_well
check "--help" release --help
check "--other is a release" sh -c "'$SOURCE/tests/release.sh' --other | grep -x '[a-z]*'"
expect 2 "no option '--nosuch'" --nosuch
expect 2 "'\.\./nosuch' is no codename" ../nosuch
expect 2 "one release at a time, not 'trixie nosuch'" trixie nosuch

replace id 'echo 1000'
expect 1 'not root' nosuch
all_well
replace unshare 'exit 1'
expect 1 'no namespaces' nosuch
all_well
replace git 'exit 128'
expect 1 'no git checkout' nosuch
all_well
replace apt-get ''
expect 1 "no lists of Debian '[a-z]*': run apt-get update" nosuch
all_well
replace wget 'exit 8'
expect 1 "$mirror, .* has no release 'nosuch'" nosuch
replace wget 'exit 4'
expect 1 "cannot reach $mirror" nosuch

# Without what is in $work/bin but not in $work/bare.
for name in dirname id; do
    ln -s "$(command -v $name)" "$work/bare/$name"
done
bare() {
    PATH=$work/bare "$SOURCE/tests/release.sh" nosuch 2>"$err"
    [ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q "$1" "$err"
}
check "without apt" bare 'no apt-get: only Debian'
cp "$work/bin/apt-get" "$work/bare"
cp -f --remove-destination "$work/bin/id" "$work/bare"
check "without debootstrap" bare 'debootstrap is missing: ./bootstrap release installs it'

all_well
replace debootstrap 'mkdir -p "$3/usr"; echo "W: odd"; echo "E: no such package: apt"; exit 1'
expect 1 'a chroot of nosuch: E: no such package: apt; all of it: .*nosuch\.log' nosuch
replace debootstrap 'mkdir -p "$3/usr"; kill -KILL $$'
expect 1 'cannot make a chroot of nosuch' nosuch
replace df 'echo 1'
expect 1 "the disk of $cache is full" nosuch

# One that is terminated meanwhile; debootstrap's replacement says when.
all_well
mkfifo "$work/ready"
replace debootstrap 'mkdir -p "$3/usr"; echo $$ >'"$work/ready; exec sleep 600"
terminated() {
    PATH=$work/bin:$PATH setsid "$SOURCE/tests/release.sh" nosuch >"$out" 2>"$err" &
    script=$!
    read -r sleeper <"$work/ready"
    kill -TERM "$script"
    wait "$script"
    [ $? -eq 143 ] && ! kill -0 "$sleeper" 2>/dev/null && [ ! -e "$cache/nosuch.new" ]
}
check "SIGTERM ends debootstrap and leaves nothing" terminated

all_well
mkdir -p "$cache/nosuch.new/etc"
check "what a killed run left is in nobody's way" makes_one
check "a whole chroot is used again" uses_kept
replace chroot 'case $* in *"scons -Q subset"*) exit 1 ;; esac'
check "tests that fail in there are a failure" fails 'the chroot is ready' "$out"
check "with --prepare none are run" release --prepare nosuch
replace chroot ''
replace chroot 'echo half-installed'
check "one in which an installation was interrupted is made anew" makes_one
replace chroot ''
sed -i s/mirror/other/ "$cache/nosuch/etc/apt/sources.list"
check "one of another mirror is made anew" makes_one
replace chroot '[ "$2" = dpkg ] || exit 1'
check "a failure to prepare it is a failure" fails "cannot prepare $cache/nosuch" "$err"

# Two at once: the second says that it waits, and goes on when the first has ended.
all_well
mkdir -p "$cache"
in_turn() {
    exec 9>"$cache/nosuch.lock"
    flock 9
    PATH=$work/bin:$PATH "$SOURCE/tests/release.sh" nosuch 9>&- >"$work/ready" &
    exec 8<"$work/ready"
    read -r first <&8
    exec 9>&- # the lock
    cat <&8
    wait $! && case $first in *"another run uses"*) ;; *) false ;; esac
}
check "a second run waits for the first" in_turn

# What is counted, of prove itself.
printf 'echo ok 1\necho ok 2\necho 1..2\n' >"$work/good.t"
printf 'echo ok 1\necho not ok 2\necho not ok 3\necho 1..3\n' >"$work/bad.t"
printf 'echo ok 1\n' >"$work/short.t"
counts() { # WANTED TEST...: what is counted when these run
    wanted=$1
    shift
    prove --exec sh "$@" >"$work/proved" 2>&1
    [ "$(awk -v status=$? -f "$SOURCE/tests/count.awk" "$work/proved")" = "$wanted" ]
}
check "all pass" counts "2 0" "$work/good.t"
check "two fail" counts "3 2" "$work/good.t" "$work/bad.t"
check "a test that ends early" counts "3 1" "$work/good.t" "$work/short.t"
check "no test at all" counts "0 1" "$work/nosuch.t"
tap_end
