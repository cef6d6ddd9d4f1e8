#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is built does not depend on where: nothing of it names the directory, and with ANALYZE=all
# (`scons analyze`) release builds of the committed sources in two directories are the same, byte by byte.
# Environment: SOURCE, the checkout; BUILD, the release build's directory; CC.
# shellcheck disable=SC2317 # check() calls what it is given
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
FILES="libxsutil.so libxsutil.a libxl-lite.so libxl-lite.a xl-lite"

check() { # TITLE COMMAND...
    title=$1
    shift
    "$@" >"$work/output" 2>&1
    tap $? "$title" "$work/output"
}

# As a whole: /tree is not named by request/tree.c.
names_no_directory() {
    ! LC_ALL=C grep -c -a -P -- "(?<![\\w.-])\\Q$SOURCE\\E(?![\\w.-])" "$1"
}

# build DIRECTORY: a release build of what is committed, there.
build() {
    git -C "$SOURCE" archive --prefix="$1/" HEAD | tar -xf - -C "$work" &&
        scons -C "$work/$1" -j "$(nproc)" -s CC="$CC" lib bin
}

is_same() {
    cmp "$work/a/build/${BUILD##*/}/$1" "$work/another/directory/build/${BUILD##*/}/$1"
}

for file in $FILES; do check "$file does not name the directory it was built in" names_no_directory "$BUILD/$file"; done
if [ "${ANALYZE-}" = all ]; then
    check "it builds in one directory" build a
    check "it builds in another" build another/directory
    for file in $FILES; do check "$file is the same in both" is_same "$file"; done
fi
tap_end
