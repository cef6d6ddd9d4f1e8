#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Static analysis of both libraries and the command: no finding, or one that is argued in place.
# Without ANALYZE what is quick: cppcheck, and gcc's analyzer on what takes apart what others wrote.
# ANALYZE=all (`scons analyze`): cppcheck, gcc -fanalyzer, clang --analyze and clang-tidy, on all.
# Other releases of a tool find other things: those that were looked through are known(); others are
# run by ANALYZE=all only, and a line says so.
# Before that each tool has to find what is wrong in a file that was made for it.
# Environment: SOURCE, the checkout; BUILD, a build's directory, for the public headers.
# shellcheck disable=SC2016,SC2086 # programs of sh, flags are words
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
cd "$SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work

COMMON="-D_GNU_SOURCE -I$BUILD/include -I. -DXLL_VERSION=\"test\""
FLAGS="-std=gnu11 -O2 $COMMON $(pkg-config --cflags glib-2.0 json-c xenstore xencontrol xencall xentoolcore)" || exit 1
export COMMON FLAGS

# ---- The tools: each prints what it finds in the files it is given, and nothing else ---------------

# It reads no header that is not ours.  The two styles that are left out are ours: a function of
# libxl-lite declares at its head what it needs, and a loop without a body says `continue`.
run_cppcheck() {
    xargs cppcheck -q -j "$(nproc)" --enable=warning,style,performance,portability --inline-suppr \
        --std=c11 --library=gtk --library=posix --library=gnu --library=tests/cppcheck.cfg \
        --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=variableScope --suppress=redundantContinue -D__GNUC__=12 $COMMON 2>&1
}

run_gcc() {
    xargs -P "$(nproc)" -n 1 gcc $FLAGS -fanalyzer -c -o /dev/null 2>&1
}

# It does not know __attribute__((cleanup)): to it all that g_autofree frees is a leak.  So leaks are
# looked for by gcc, and by this where no such variable is, in xsutil.
run_clang() {
    xargs -P "$(nproc)" -n 1 sh -c 'case $1 in
        libxl-lite/*) leaks="-Xclang -analyzer-disable-checker -Xclang unix.Malloc" ;;
        *) leaks= ;;
        esac
        exec clang --analyze -Xclang -analyzer-output=text $FLAGS $leaks "$1"' sh 2>&1
}

# What it counts of others' headers is said on stderr.
run_tidy() {
    xargs -P "$(nproc)" -n 1 sh -c 'clang-tidy --quiet --config-file=.clang-tidy "$1" -- $FLAGS 2>"$work/tidy.$$" ||
        cat "$work/tidy.$$"' sh
}

# ---- What they are run on -----------------------------------------------------------------------

find xsutil libxl-lite -name '*.c' | sort >"$work/all"
grep -E '^xsutil/(text|wire)/' "$work/all" >"$work/parsers"

# A wrong file for each: what has no initial value is used, and for clang-tidy, a condition that assigns.
cat >"$work/wrong.c" <<'END'
int wrong(int n);
int wrong(int n)
{
    int *never = 0;
    if (n == 7)
        return *never;
    if (n == 8)
        return 1;
    else
        return 1;
}
END

known() { # TOOL
    case "$1 $("$1" --version 2>/dev/null | head -n 1)" in
    "cppcheck Cppcheck 2.10"* | "gcc "*" 12."*) ;;
    *) [ "${ANALYZE-}" = all ] ;;
    esac
}

analyze() { # TOOL PACKAGE LIST
    if ! command -v "$1" >/dev/null; then
        echo "$1 is not installed; ./bootstrap deps does that (package $2)" >"$work/found"
        tap 1 "$1 is there" "$work/found"
        return
    fi
    if ! known "$1"; then
        tap 0 "# SKIP what this release of $1 finds has not been looked through: $("$1" --version | head -n 1)"
        return
    fi
    case $1 in clang-tidy) run=run_tidy ;; *) run=run_$1 ;; esac
    echo "$work/wrong.c" | $run >"$work/found"
    grep -q 'wrong.c:' "$work/found"
    tap $? "$1 finds what is wrong in a file made for it" "$work/found"
    $run <"$work/$3" >"$work/found"
    [ ! -s "$work/found" ] && [ "$(wc -l <"$work/$3")" -gt 10 ]
    tap $? "$1 finds nothing in $(wc -l <"$work/$3") files" "$work/found"
}

analyze cppcheck cppcheck all
if [ "${ANALYZE-}" = all ]; then
    analyze gcc gcc all
    analyze clang clang all
    analyze clang-tidy clang-tidy all
else
    analyze gcc gcc parsers
fi
tap_end
