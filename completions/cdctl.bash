# cdctl's completion for bash 3.2 and newer. `source` it, or put it into a folder of bash-completion.
# `cdctl completions bash` prints it.

_cdctl() {
    local line=${COMP_LINE:0:COMP_POINT} answer value
    # Bash ends a word at = and : and puts in only what follows; cdctl answers with whole words.
    local word=${line##*[[:space:]]}
    local before=${word%"$2"}
    COMPREPLY=()
    while IFS= read -r answer; do
        value=${answer%%$'\t'*}
        if [[ $value == :files ]]; then
            compopt -o default 2>/dev/null || while IFS= read -r value; do
                COMPREPLY+=("$value")
            done < <(compgen -f -- "$2")
        else
            value=${value#"$before"}
            # Revisions have it, and bash quotes nothing that is put in.
            [[ $word == [\"\']* ]] || value=${value//'&'/'\&'}
            COMPREPLY+=("$value")
        fi
    done < <(command cdctl completions --line "$line" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o nosort -F _cdctl cdctl 2>/dev/null || complete -F _cdctl cdctl
