#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs `scons subset` of this checkout on another release of Debian, in a chroot that debootstrap
# makes; see usage().
#
# The chroot, with the packages that the tests need and what the lab has fetched, is kept for the
# next run.  It is made under another name and renamed when it is whole, so that one that has the
# right name is whole.  All that runs in it does so in a namespace of its own for mounts and one for
# processes: no mount and no process is left behind, however a run ends.
set -u
cd "$(dirname "$0")/.." || exit 1
cache=${XDG_CACHE_HOME:-/var/cache}/xl-lite

usage() {
    cat <<'END'
usage: tests/release.sh [--prepare] [RELEASE]
       tests/release.sh --other

Builds this checkout on another release of Debian and runs a subset of its tests there, in a chroot.
Changes that are not committed are part of it, files that git does not know are not.
RELEASE is a codename; without it, trixie is tested on bookworm and bookworm on any other release.
--prepare only makes the chroot, or brings its packages up to date.
--other prints which that is, and does nothing else.

It needs root, debootstrap, git and a mirror that apt has lists of; `./bootstrap release` sees to
the last three.  Exit status: 0 if all tests passed, 1 if not or if they could not be run, 2 for
wrong usage.  XDG_CACHE_HOME, /var/cache by default, is where chroots are kept: xl-lite/RELEASE.
END
}

say() {
    echo "release.sh: $*"
}

give_up() {
    say "$*" >&2
    exit 1
}

wrong_usage() {
    say "$*; tests/release.sh --help says more" >&2
    exit 2
}

# The codename of the release that this machine runs.
own_release() {
    # shellcheck source=/dev/null
    (. /etc/os-release && echo "${VERSION_CODENAME-}") 2>/dev/null
}

other_release() {
    if [ "$(own_release)" = bookworm ]; then echo trixie; else echo bookworm; fi
}

# COMMAND...: with what it starts, it ends when this script ends.
apart() {
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$@" &
    child=$!
    wait "$child"
    set -- $?
    child=
    return "$1"
}

# ROOT COMMAND...: in the chroot.  The shell stays, to be the parent of what loses its own.
inside() {
    # shellcheck disable=SC2016 # the inner shell expands these
    apart sh -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1
        root=$1
        shift
        chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
            CI="${CI-}" XL_LITE_OBJECTS="${XL_LITE_OBJECTS-}" DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy-}" "$@"
        exit $?' sh "$@"
}

# What is unfinished goes.  The namespace's first process is killed rather than unshare, as that
# waits until the others have ended, too.
finish() {
    if [ -n "$child" ]; then
        # shellcheck disable=SC2046 # one or none
        kill -KILL $(cat "/proc/$child/task/$child/children") 2>/dev/null || kill -KILL "$child"
        wait "$child"
    fi
    [ -z "$unfinished" ] || rm -rf --one-file-system "$unfinished"
}

# What this release's own archives are called for the wanted one: lines of "SUITE URI".
sources() {
    # shellcheck disable=SC2016 # apt-get expands these
    apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' |
        awk -v own="$(own_release)" -v wanted="$release" '
            $3 == "main" && ($1 == own || index($1, own "-") == 1) {
                print wanted substr($1, length(own) + 1), $2
            }' | sort -u | while read -r suite uri; do
            case $uri in mirror+file:*) # a file with one mirror on each line
                uri=$(sed 's/[[:space:]].*//; q' "${uri#mirror+file:}") ;;
            esac
            echo "$suite $uri"
        done
}

# SUITE URI: 0 if the archive has the suite, 8 if not, else it could not be asked.
has_suite() {
    wget -q --tries=1 --timeout=15 -O /dev/null "${2%/}/dists/$1/Release"
}

# Why the last command that wrote to $log failed: the disk, or the last error it told.
reason() {
    if [ "$(df --output=avail -m "$cache" | tail -n 1)" -lt 20 ]; then
        echo "the disk of $cache is full"
    else
        grep -a '^E: \|^[a-z]*: ' "$log" | tail -n 1
    fi
}

# ROOT: the checkout as ROOT/tree, with what its lab has fetched in earlier runs.
clone_into() {
    rm -rf --one-file-system "$1/tree" &&
        git clone -q . "$1/tree" &&
        git diff --binary HEAD | git -C "$1/tree" apply --allow-empty --whitespace=nowarn &&
        mkdir -p "$1/tree/build" "$1/var/cache/lab" &&
        ln -s /var/cache/lab "$1/tree/build/xen"
}

# ROOT: its packages up to date, and those of bootstrap there.
add_packages() {
    cp -L --remove-destination /etc/resolv.conf /etc/hosts "$1/etc/" &&
        inside "$1" sh -c 'apt-get -q update && apt-get -q -y upgrade \
            && /tree/bootstrap deps && apt-get clean'
}

# Whether the kept chroot is of this mirror, and no installation in it was interrupted.
is_whole() {
    grep -qsxF "deb $mirror $release main" "$chroot/etc/apt/sources.list" &&
        [ -z "$(chroot "$chroot" dpkg --audit 2>&1)" ]
}

# ROOT: a bare release, from the mirror and with the other archives that this machine has.
debootstrap_into() {
    apart debootstrap --variant=minbase "$release" "$1" "$mirror" || return 1
    sources | while read -r suite uri; do
        ! has_suite "$suite" "$uri" || echo "deb $uri $suite main"
    done >"$1/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::.*(Proxy|Check-[A-Za-z-]*) "[^"]+";$' \
        >"$1/etc/apt/apt.conf.d/90host"
    echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/90chroot" # what a crash loses is made anew
}

make_chroot() {
    has_suite "$release" "$mirror"
    case $? in
    0) ;;
    8) give_up "$mirror, which apt is set up with, has no release '$release'" ;;
    *) give_up "cannot reach $mirror, which apt is set up with; is there a network?" ;;
    esac
    unfinished=$chroot.new
    rm -rf --one-file-system "$chroot" "$unfinished"
    { debootstrap_into "$unfinished" && clone_into "$unfinished" && add_packages "$unfinished"; } \
        >>"$log" 2>&1 || give_up "cannot make a chroot of $release: $(reason); all of it: $log"
    mv "$unfinished" "$chroot"
    unfinished=
}

# What must be here before anything is begun.
check_machine() {
    command -v apt-get >/dev/null || give_up "there is no apt-get: only Debian can make the chroot"
    [ "$(id -u)" -eq 0 ] || give_up "not root: only root can make a chroot and enter it"
    for tool in debootstrap git; do
        command -v $tool >/dev/null || give_up "$tool is missing: ./bootstrap release installs it"
    done
    git rev-parse -q --verify HEAD >/dev/null || give_up "$PWD is no git checkout to be cloned"
    unshare --mount --pid --fork true || give_up "no namespaces here: is this a container?"
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)" # as apt does, so do wget and others
    [ -z "${http_proxy-}" ] || export http_proxy
    mirror=$(sources | sed -n "s/^$release //p" | head -n 1)
    [ -n "$mirror" ] || give_up "apt has no lists of Debian '$(own_release)': run apt-get update"
}

# Until this script ends nobody else uses the chroot.
lock() {
    mkdir -p "$cache" || give_up "cannot make $cache"
    exec 9>"$chroot.lock" || exit 1
    flock -n 9 || {
        say "another run uses $chroot; waiting until it ends"
        flock 9 &
        wait $!
    }
}

prepare() {
    began=$(date +%s)
    : >"$log" || give_up "cannot write $log"
    if is_whole; then
        { clone_into "$chroot" && add_packages "$chroot"; } >>"$log" 2>&1 ||
            give_up "cannot prepare $chroot: $(reason); all of it: $log"
    else
        say "making a chroot of $release in $chroot"
        make_chroot
    fi
    say "$release: the chroot is ready after $(($(date +%s) - began)) s"
}

run() {
    prepare
    say "$release: running scons subset on commit $(git rev-parse --short HEAD)" \
        "with $(git diff --name-only HEAD | wc -l) changed files, without" \
        "$(git ls-files --others --exclude-standard | wc -l) that git does not know"
    inside "$chroot" sh -c 'cd /tree && scons -Q subset'
}

release=$(other_release) action=run
[ "${1-}" != --prepare ] || { action=prepare && shift; }
case ${1-} in
-h | --help) usage && exit ;;
--other) echo "$release" && exit ;;
-*) wrong_usage "no option '$1'" ;;
*[!a-z]*) wrong_usage "'$1' is no codename of a release, as trixie is" ;;
?*) release=$1 ;;
esac
[ $# -le 1 ] || wrong_usage "one release at a time, not '$*'"
chroot=$cache/$release
log=$chroot.log
child='' unfinished=''
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
check_machine
lock
$action
