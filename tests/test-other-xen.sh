#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Both libraries, the command and the lab's programs compile against the Xen of other releases of
# Debian.  Debian 12's and 13's must be there; of others, those that the mirror has.
# Environment: SOURCE, the checkout; CC; OTHER_XEN, the directory of other-xen.py; OTHER_XEN_FLAGS,
# what all that is compiled with.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
cd "$SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One source, of which nothing is wanted but what the compiler says, and what it includes.
cat >"$work/compile" <<'END'
#!/bin/sh
$CC -fsyntax-only -I"$2/usr/include" $OTHER_XEN_FLAGS -DXLL_VERSION='"test"' \
    -MD -MF "$1/$(echo "$3" | tr / -).d" "$3"
END

# compile HEADERS: 0 if every source compiles, without a warning.
compile() {
    { find xsutil libxl-lite -name '*.c' && printf '%s\n' tests/lab/lab-domain.c tests/lab/test-xll.c; } >"$work/sources"
    xargs -P "$(nproc)" -n 1 sh "$work/compile" "$work" "$1" <"$work/sources" >"$work/output" 2>&1
}

# Xen's headers that did not come from HEADERS but from the machine: then something else was compiled.
strangers() {
    cat "$work"/*.d | tr ' ' '\n' | grep -E '/include/(xen[^/]*\.h|xen/)' | grep -vF "$1/" | sort -u
}

check() { # RELEASE XEN VERSION
    headers=$OTHER_XEN/$2
    compile "$headers"
    tap $? "it compiles against $1's Xen $2 ($3)" "$work/output"
    strangers "$headers" >"$work/strangers"
    [ -s "$work/libxl-lite-look-host.c.d" ] && [ ! -s "$work/strangers" ]
    tap $? "and all of Xen's headers were $1's" "$work/strangers"
    rm -f "$work"/*.d
}

while read -r release xen version; do
    case $xen:$release in
    -:bookworm | -:trixie) tap 1 "it compiles against $release's Xen: $version" ;;
    -:*) tap 0 "$release's Xen # SKIP $version" ;;
    *) check "$release" "$xen" "$version" ;;
    esac
done <"$OTHER_XEN/releases"
tap_end
