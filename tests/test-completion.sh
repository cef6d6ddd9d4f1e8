#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bash's completion of xl-lite: what it offers, and that no domain's name makes the shell run
# anything.  The domains are those of a fake xl-lite, the commands and options the real one's.
# Environment: BUILD, the directory of xl-lite, and SOURCE, the checkout.
set -u
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
cat >xl-lite <<'END'
#!/bin/sh
case $1$2$3 in
list-oname) cat names ;;
list-oid) printf '0\n7\n12\n' ;;
*) exec "$BUILD/xl-lite" "$@" ;;
esac
END
chmod +x xl-lite
# As `list -o name` prints them: escaped.
cat >names <<'END'
web
web 2
we$(touch ran)
w`touch ran`;touch ran&
q"uo'te
back\x5cslash
esc\x1b[31m
*
a:b
a=b
7
-dash
id:7
END

# Completes the words, the last of which is being typed, and prints what is offered; the line as a
# shell would then have it is in the file `line`.
cat >complete.bash <<'END'
PATH=$PWD:$PATH
source "$SOURCE/libxl-lite/cli/completion.bash"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_xl_lite xl-lite
printf '%s\n' "${COMPREPLY[@]}"
END

# offers TITLE WANTED WORD...: exactly those lines, in any order
offers() {
    title=$1
    printf '%s' "$2" | sort >wanted
    shift 2
    bash complete.bash "$@" 2>&1 | grep . | LC_ALL=C.UTF-8 sort >got
    sort -o got got
    cmp -s wanted got
    tap $? "$title" wanted got
}

"$BUILD/xl-lite" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 12 ]
tap $? "there are commands" commands
offers "all commands" "$(cat commands; echo help)
" xl-lite ""
offers "commands by their beginning" "domain-show
domid
domname
" xl-lite dom
offers "pause's options" "--dry-run
--json
--help
" xl-lite pause --
offers "destroy's options" "--force
--dry-run
--json
--help
" xl-lite destroy --
offers "create's options" "--paused
--console
--quiet
--wait
--defconfig=
--dryrun
--dry-run
--json
--help
" xl-lite create --
offers "no domains for create, but files, which are bash's" "" xl-lite create we
offers "the same behind its -n" "" xl-lite create -n ""
offers "block-detach's options" "--force
--dry-run
--json
--help
" xl-lite block-detach --
offers "no domains for what is attached" "" xl-lite network-attach web ""
offers "help's argument" "uptime
" xl-lite help up
offers "options" "--json
--no-headers
--long
--verbose
--output=
--watch
--color=
--help
" xl-lite list --
offers "options by their beginning" "--no-headers
" xl-lite vcpu-list web --no
offers "values of -o" "name
id
uuid
state
" xl-lite list -o ""
offers "values of --output=, which bash takes apart" "uuid
" xl-lite list --output = u
offers "values behind the =" "auto
always
never
" xl-lite list --color =
offers "domains behind --also=" 'web
web\ 2
' xl-lite vcpu-pin --also = web
offers "values of console's -t" "serial
" xl-lite console -t s
offers "nothing for a number" "" xl-lite console -n ""
offers "domname's domids" "0
7
12
" xl-lite domname ""
offers "a name" 'web
web\ 2
we\$\(touch\ ran\)
' xl-lite domain-show we
offers "more than one" 'web
web\ 2
' xl-lite list web web
offers "a name that is quoted halfway" 'web\ 2
' xl-lite list 'web\ '
offers "a name with much in it" 'w\`touch\ ran\`\;touch\ ran\&
' xl-lite list 'w\`t'
offers "quotes in a name" "q\\\"uo\\'te
" xl-lite list q
offers "a backslash in a name" 'back\\slash
' xl-lite list b
offers "a name with control characters: not" "" xl-lite list esc
offers "a name with a wildcard" '\*
' xl-lite list '\*'
offers "between quotes, what means nothing there" 'web
web 2
' xl-lite list '"we'
offers "between quotes, nothing else" "" xl-lite list "'w\`"
offers "a name with a colon, which bash takes apart" "b
" xl-lite list a : b
offers "the same at the colon" "b
" xl-lite list a :
offers "a name with an =" "b
" xl-lite list a = ""
offers "all names; those that would be taken for something else as name:" 'name:-dash
name:7
name:id:7
\*
a:b
a=b
back\\slash
q\"uo\'"'"'te
w\`touch\ ran\`\;touch\ ran\&
we\$\(touch\ ran\)
web
web\ 2
' xl-lite list ""
offers "names behind name:" 'web
web\ 2
we\$\(touch\ ran\)
' xl-lite list name : we
offers "nothing for info" "" xl-lite info ""
offers "nothing for supervise" "" xl-lite supervise ""
offers "supervise's options" "--forget=
--help
--json
--once
" xl-lite supervise --

# What is inserted is the name again, and nothing runs.
while IFS= read -r name; do
    case $name in *\\x1b*) continue ;; esac
    bash -c 'printf %b "$1"' bash "$name" >exact
    bash -c '
        . ./complete.bash xl-lite list "" >/dev/null
        for word in "${COMPREPLY[@]}"; do
            eval "set -- $word"
            [[ $# -eq 1 && ( $1 == "$(cat exact)" || $1 == "name:$(cat exact)" ) ]] && exit 0
        done
        exit 1'
    tap $? "what is inserted for $name is that name"
done <names
[ ! -e ran ]
tap $? "nothing has run"
rm names
offers "nothing where there are no domains" "" xl-lite list ""
bash -n "$SOURCE/libxl-lite/cli/completion.bash"
tap $? "no syntax error"
tap_end
