#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A folder is a floor, and what is on it knows of the floors below alone.  This is read from the
# includes and from the calls: which object needs what which other object defines, so that a
# prototype written by hand is no way up.
# Environment: SOURCE, the checkout; BUILD, the directory of the objects.
# shellcheck disable=SC2016 # programs of awk
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"

# A house on each line: its folder, and its floors from the lowest up.  "." are the files in the
# folder itself, public headers among them; "?" is a floor that may not be there yet.  Those who live
# in one house see each other's private headers; of the houses above, they see nothing, and of those
# below what is public: the headers in their folder, and what has no "__" in its name.
HOUSES='
xsutil: scratch text wire request watch .
libxl-lite: base look monitor act make .
libxl-lite: words config cli
'
# Of each floor: what it must not include and not call, whoever has it, and what that is called.
FOREIGN='
xsutil/scratch ^xen ^(xs_|xc_|xen[a-z]*_) Xen
xsutil ^(xenctrl|xenguest|xencall|xenforeignmemory|xenevtchn|xengnttab|libxl) ^(xc_|xencall_|xenforeignmemory_|xenevtchn_|xengnttab_|libxl_) libxenctrl and its relatives
libxl-lite/base ^(libxl[._]|json) ^(libxl_|xlu_|json_) libxl and json-c
libxl-lite/look ^(libxl[._]|json) ^(libxl_|xlu_|json_) libxl and json-c
libxl-lite/monitor ^(libxl[._]|json) ^(libxl_|xlu_|json_) libxl and json-c
libxl-lite/act ^(libxl[._]|json) ^(libxl_|xlu_|json_) libxl and json-c
libxl-lite/make ^(libxl[._]) ^(libxl_|xlu_) libxl
libxl-lite/words ^(xen|libxl[._u]|xsutil|json) ^(xc_|xtl_|xen[a-z]*_|libxl_|xlu_|xs_|xsu_|json_) Xen, xsutil and json-c
libxl-lite/config ^(xen|xsutil|json) ^(xc_|xtl_|xen[a-z]*_|libxl_|xs_|xsu_|json_) Xen, libxl but for its xlu_, xsutil and json-c
libxl-lite/cli ^(xen|libxl[._u]|xsutil) ^(xc_|xtl_|xen[a-z]*_|libxl_|xlu_|xs_|xsu_) Xen and xsutil
'
LONGEST_FILE=500
LONGEST_FUNCTION=60

cd "$SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$work/found

# ---- What there is ------------------------------------------------------------------------------

# floors: "RANK HOUSE FOLDER NAME", the lowest first; those that are missing: "FOLDER MARK".
echo "$HOUSES" | awk -v floors="$work/floors" -v missing="$work/missing" '
    BEGIN { printf "" >floors; printf "" >missing }
    NF {
        sub(/:/, "", $1)
        for (i = 2; i <= NF; i++) {
            mark = sub(/\?$/, "", $i) ? "?" : "!"
            folder = $i == "." ? $1 : $1 "/" $i
            if (system("test -d " folder) == 0)
                print ++rank, NR, folder, $i >floors
            else
                print folder, mark >missing
        }
    }'

# Its C files are those in its folder, not below it; "." has the public headers, too.
while read -r _ _ folder _; do
    for file in "$folder"/*.[ch]; do
        [ ! -e "$file" ] || echo "$file"
    done
done <"$work/floors" >"$work/files"

# The objects of the sources that are there now; a build may have older ones.
while read -r file; do
    object=$BUILD/${file%.c}
    case $file in *.c)
        if [ -e "$object.os" ]; then
            echo "$object.os $file"
        elif [ -e "$object.o" ]; then
            echo "$object.o $file"
        else
            echo "$file has no object in $BUILD" >>"$work/unbuilt"
        fi
        ;;
    esac
done <"$work/files" >"$work/objects"

# symbols: "FILE U|D NAME"
cut -d' ' -f1 "$work/objects" | xargs nm -A -g | awk '
    NR == FNR { file[$1] = $2; next }
    { object = $1; sub(/:.*/, "", object); print file[object], $(NF - 1) ~ /^[Uwv]$/ ? "U" : "D", $NF }
    ' "$work/objects" - >"$work/symbols"

# includes: "FILE HEADER", the header as it is written there.
xargs awk '
    match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*/) {
        header = substr($0, RSTART, RLENGTH)
        sub(/^[^<"]*[<"]/, "", header)
        print FILENAME, header
    }' <"$work/files" >"$work/includes"

# edges: "FILE FILE SYMBOL", the symbol "-" for an include.
awk '
    NR == FNR { if ($2 == "D") by[$3] = $1; next }
    $2 == "U" && $3 in by && by[$3] != $1 { print $1, by[$3], $3 }
    ' "$work/symbols" "$work/symbols" >"$work/edges"
while read -r file header; do
    for path in "${file%/*}/$header" "$header" "libxl-lite/${header#xl-lite/}"; do
        if [ -e "$path" ]; then
            echo "$file $(realpath --relative-to=. "$path") -"
            break
        fi
    done
done <"$work/includes" >>"$work/edges"

# ---- What holds ---------------------------------------------------------------------------------

# none TITLE: there is nothing in $found.
none() {
    [ ! -s "$found" ]
    tap $? "$1" "$found"
}

sed -n 's/\(.*\) ?$/# \1 is not there yet/p' "$work/missing"
sed -n 's/ !$/ is missing/p' "$work/missing" >"$found"
none "each floor has its folder"

echo "$HOUSES" | sed -n 's/:.*//p' | sort -u | while read -r house; do
    find "$house" -name '*.[ch]' | sed 's|/[^/]*$||' | sort -u
done | awk 'NR == FNR { known[$3]; next } !($1 in known) { print $1 " is no floor that this test knows" }' \
    "$work/floors" - >"$found"
none "each folder is a floor"

awk '$4 != "." { print $3 "/" $4 ".h" }' "$work/floors" | while read -r header; do
    [ -e "$header" ] || { echo "$header is missing" && continue; }
    sed -n 2p "$header" | grep -q '^/\*' || echo "$header does not begin with what its floor is for"
done >"$found"
none "each floor has a private header of its name, which says what it is for"

cat "$work/unbuilt" >"$found" 2>/dev/null
none "each source is built"

# rules: what of the edges is forbidden, and why.  A public header is on the floor of its name:
# libxl-lite/xll-look.h on libxl-lite/look, xsutil/text.h on xsutil/text.
awk -v inside="$work/inside" '
    function floor_of(file,    folder, name) {
        folder = name = file
        sub(/\/[^\/]*$/, "", folder)
        if (file !~ /\.h$/)
            return folder
        sub(/.*\/(xll-)?/, "", name)
        sub(/\.h$/, "", name)
        return (folder "/" name) in rank ? folder "/" name : folder
    }
    function is_public(file) { return file ~ /^[^\/]*\/[^\/]*\.h$/ }
    function own_header(floor,    name) {
        name = floor
        sub(/.*\//, "", name)
        return floor "/" name ".h"
    }
    BEGIN { printf "" >inside }
    NR == FNR { rank[$3] = $1; house[$3] = $2; next }
    {
        from = floor_of($1)
        to = floor_of($2)
        how = $3 == "-" ? $1 " includes " $2 : $1 " calls " $3 "() of " $2
        if (rank[to] > rank[from])
            print "up: " how ", which is above it"
        else if (house[to] != house[from] && ($3 == "-" ? !is_public($2) : $3 ~ /__/))
            print "private: " how ", which is not public"
        else if (to != from && $3 == "-" && !is_public($2) && $2 != own_header(to))
            print "private: " how ", which is for its own floor alone"
        if (to == from)
            print from, $1, $2 >inside
    }' "$work/floors" "$work/edges" | sort -u >"$work/rules"

sed -n 's/^up: .* includes /&/p' "$work/rules" | sed 's/^up: //' >"$found"
none "no file includes a header of a floor above it"
sed -n 's/^up: .* calls /&/p' "$work/rules" | sed 's/^up: //' >"$found"
none "no object calls one of a floor above it"
sed -n 's/^private: //p' "$work/rules" >"$found"
none "no file uses what is private to another house, or to another floor"

# As nothing goes up, there is no circle through several floors either.
cut -d' ' -f3 "$work/floors" | while read -r floor; do
    awk -v floor="$floor" '$1 == floor { print $2, $3 }' "$work/inside" | tsort 2>&1 >/dev/null \
        | sed "s|^tsort: -: .*|$floor: these call or include each other in a circle:|; s|^tsort: ||"
done >"$found"
none "no files of one floor call or include each other in a circle"

# forbidden FLOOR INCLUDES CALLS
forbidden() {
    awk -v floor="$1" -v headers="$2" -v names="$3" '
        index($1, floor "/") != 1 { next }
        NF == 2 && $2 ~ headers { print $1 " includes " $2 }
        NF == 3 && $2 == "U" && $3 ~ names { print $1 " calls " $3 "()" }
        ' "$work/includes" "$work/symbols"
}
echo "$FOREIGN" | sed '/^$/d' >"$work/foreign"
while read -r floor headers names what; do
    forbidden "$floor" "$headers" "$names" >"$found"
    none "$floor knows nothing of $what"
done <"$work/foreign"

xargs wc -l <"$work/files" | awk -v most=$LONGEST_FILE '
    $2 != "total" && $1 > most { print $2 " has " $1 " lines, and may have " most }' >"$found"
none "no file is longer than $LONGEST_FILE lines"
# A function begins with its name and type in the first column, and ends with a brace there.
xargs awk -v most=$LONGEST_FUNCTION '
    /^[A-Za-z_].*\(/ { start = FNR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^{/ { body = 1 }
    /^}/ {
        if (body && FNR - start >= most)
            print FILENAME ": " name "() has " FNR - start + 1 " lines, and may have " most
        body = 0
    }' <"$work/files" >"$found"
none "no function is longer than $LONGEST_FUNCTION lines"

# Checks that look at nothing would prove nothing.
while read -r _ _ folder name; do
    [ "$name" = . ] || awk -v folder="$folder" '
        $1 ~ "^" folder "/" { seen[$3 == "-"] = 1 }
        END {
            if (!seen[0]) print folder ": no call was seen"
            if (!seen[1]) print folder ": no include was seen"
        }' "$work/edges"
done <"$work/floors" >"$found"
none "each floor has includes and calls to look at"
tap_end
