# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completes xl-lite's commands, options and domains for bash.
#
# All of it comes from xl-lite itself: commands and options from its help, domains from `list -o`.
# Files are left to bash.
# A domain's name is anybody's text: it is inserted quoted, so that the shell that reads it back
# runs nothing, and one with control characters is not offered.

_xl_lite_offer() { # WORD: as a completion, if it begins with what was typed
    [[ $1 == "$typed"* ]] || return
    if [[ ! $quote ]]; then
        COMPREPLY+=("$(printf %q "${1:${#kept}}")")
    elif [[ $1 != *[!A-Za-z0-9\ ._:=@%+,/-]* ]]; then # between quotes, what means nothing there
        COMPREPLY+=("${1:${#kept}}")
    fi
}

_xl_lite_offer_all() {
    local word
    for word; do
        _xl_lite_offer "$word"
    done
}

_xl_lite_commands() {
    local first rest inside=
    while read -r first rest; do
        [[ ! $inside || $first ]] || break
        [[ ! $inside ]] || _xl_lite_offer "$first"
        [[ "$first$rest" != Commands: ]] || inside=yes
    done < <(command xl-lite --help 2>/dev/null)
    _xl_lite_offer help
}

_xl_lite_options() { # COMMAND
    local line pattern='^(-[a-zA-Z], )?(--[a-z-]+)(=?)'
    while read -r line; do
        [[ ! $line =~ $pattern ]] || _xl_lite_offer "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
    done < <(command xl-lite "$1" --help 2>/dev/null)
    _xl_lite_offer --help
}

_xl_lite_values() { # OPTION: true if it is one that takes a value
    case $1 in
    -o | --output) _xl_lite_offer_all name id uuid state ;;
    -t | --type) _xl_lite_offer_all pv serial vuart ;;
    --color) _xl_lite_offer_all auto always never ;;
    --also) _xl_lite_names ;;
    -n | --num | --count | --timeout | --force-after | --forget | -e | --escape-char) ;;
    *) return 1 ;;
    esac
}

_xl_lite_names() {
    local name
    while IFS= read -r name; do
        name=${name//\\x5c/$'\1'} # backslashes and what is unfit to print come as \xNN
        [[ $name != *\\x* ]] || continue
        name=${name//$'\1'/\\}
        # What would be taken for something else is said to be a name.
        [[ $typed != name:* && $name == *[!0-9]* && $name != -* && $name != @(id|name|uuid):* ]] \
            || name=name:$name
        _xl_lite_offer "$name"
    done < <(command xl-lite list -o name 2>/dev/null)
}

_xl_lite_domids() {
    local domid
    while read -r domid; do
        _xl_lite_offer "$domid"
    done < <(command xl-lite list -o id 2>/dev/null)
}

# Set typed, kept and quote from the words up to the cursor.  bash takes words apart at = : @ and
# replaces what is behind the last of them alone: that which is before is kept.
_xl_lite_typed() {
    local i=$COMP_CWORD
    typed=${COMP_WORDS[i]}
    while ((i > 1)) && [[ $typed == [=:@]* || ${COMP_WORDS[i - 1]} == *[=:@] ]]; do
        typed=${COMP_WORDS[--i]}$typed
    done
    quote=
    [[ $typed != [\"\']* ]] || quote=${typed:0:1} typed=${typed:1}
    # shellcheck disable=SC2162 # the backslashes are to go
    [[ $quote ]] || IFS= read typed <<<"$typed"
    kept=${typed%"${typed##*[=:@]}"}
    before=${COMP_WORDS[i - 1]}
}

_xl_lite_argument() { # COMMAND: what may come here
    case $typed in
    --*=*) # its value alone is replaced
        local option=${typed%%=*}
        typed=${typed#*=} kept=
        _xl_lite_values "$option"
        return
        ;;
    -*) _xl_lite_options "$1"; return ;;
    esac
    if [[ $1 == create ]]; then # a file, as bash completes them
        compopt -o default 2>/dev/null
        return
    fi
    ! _xl_lite_values "$before" || return
    case $1 in
    help) _xl_lite_commands ;;
    info | supervise) ;;
    domname) _xl_lite_domids ;;
    *-attach | *-detach) ((COMP_CWORD > 2)) || _xl_lite_names ;;
    trigger) _xl_lite_offer_all nmi power sleep reset init s3resume; _xl_lite_names ;;
    *) _xl_lite_names ;;
    esac
}

_xl_lite() {
    local typed kept quote before
    COMPREPLY=()
    _xl_lite_typed
    if ((COMP_CWORD == 1)); then
        _xl_lite_commands
    else
        _xl_lite_argument "${COMP_WORDS[1]}"
    fi
    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -F _xl_lite xl-lite
