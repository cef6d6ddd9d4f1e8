#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual: all that is exported and all commands are in it, its form is right, its links lead
# somewhere, and the examples of headers and README compile.
# Environment: BUILD, the directory of the libraries and pages, and SOURCE, the checkout.
# shellcheck disable=SC2046,SC2086 # flags are words
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
found=$(mktemp) examples=$(mktemp -d)
trap 'rm -rf "$found" "$examples"' EXIT
man=$BUILD/man doc=$BUILD/../doc

# none TITLE: nothing may have been found.
none() {
    [ ! -s "$found" ]
    tap $? "$1" "$found"
}

for library in libxsutil libxl-lite; do
    tour=$man/man7/$library.7
    [ -e "$tour" ] || tour=$man/man7/xsutil.7
    names=$(nm -D --defined-only "$BUILD/$library.so" | awk '$2 != "A" { print $3 }' | sed 's/@.*//')
    for name in $names; do
        [ -e "$man/man3/$name.3" ] || echo "$name"
    done >"$found"
    none "each function of $library has a page"
    for name in $names; do
        grep -q "Xr $name 3\>" "$tour" || echo "$name"
    done >"$found"
    none "the tour of $library leads to each of them"
    [ -n "$names" ]
    tap $? "$library has functions"
done

commands=$("$BUILD/xl-lite" help | sed -n '/^Commands:$/,/^$/s/^  *\([a-z0-9-]*\) .*/\1/p')
for command in $commands; do
    grep -q "^\.Ss $command\$" "$man/man1/xl-lite.1" || echo "$command"
done >"$found"
none "each command of xl-lite has a section"
[ -n "$commands" ]
tap $? "xl-lite has commands"

mandoc -T lint -W warning "$man"/man?/* >"$found" 2>&1
tap $? "mandoc has nothing to say of the pages' form" "$found"
mandoc -T ascii -O indent=7 "$man/man1/xl-lite.1" | sed -n '/^E.*X.*I.*T/,/^E.*X.*A.*M/p' | sed "s/.$(printf '\b')//g" >"$found"
[ "$(wc -l <"$found")" -gt 3 ] && ! grep '.\{79\}' "$found"
tap $? "the object of an error fits on a terminal: it may be broken at its commas" "$found"
grep -rlF "$SOURCE" "$man" >"$found"
none "no page tells where it was made"
mandoc -T ascii "$man/man3/xs_vreadf.3" | sed "s/.$(printf '\b')//g" >"$found"
for text in 'char \*$' '#include <xsutil/xsutil\.h>' 'xs_readf(xsu_gc \*gc' 'pkg-config --cflags --libs xsutil' \
    '^RETURN VALUES' 'ECONNRESET' 'xsutil(7)'; do
    grep -q -e "$text" "$found"
    tap $? "the page of xs_vreadf has $text" "$found"
done

for page in "$man"/man?/*; do
    [ -s "$doc/${page##*/}.html" ] || echo "$page"
done >"$found"
none "each page is there as HTML"
cat "$doc"/*.html | grep -o 'href="[^"#]*\.html' | sed 's/href="//' | sort -u | while read -r link; do
    [ -e "$doc/$link" ] || echo "$link"
done >"$found"
none "the links of the HTML lead somewhere"

# check_examples FLAGS FILE...: each compiles.
check_examples() {
    flags="-fsyntax-only -std=gnu11 -Wall -Wextra -Werror -Wno-unused -I$BUILD/include -I$SOURCE/tests $1"
    shift
    PYTHONPATH=$SOURCE/xsutil python3 -B -m manual.examples "$examples" "$@"
    for example in "$examples"/*.c; do
        "${CC:-cc}" $flags $(pkg-config --cflags glib-2.0 xenstore) "$example" >"$found" 2>&1
        tap $? "example ${example##*/} compiles" "$found" "$example"
    done
    rm -f "$examples"/*
}

check_examples "" "$SOURCE/README.md" $(find "$BUILD/include/xsutil" -name '*.h')
check_examples -DOF_LIBXL_LITE $(find "$BUILD/include/xl-lite" -name '*.h')
tap_end
