# cdctl's completion for fish. Put it into ~/.config/fish/completions as cdctl.fish.
# `cdctl completions fish` prints it.

function __cdctl_answers
    set -l answers (command cdctl completions --line (commandline --current-process --cut-at-cursor | string collect) 2>/dev/null)
    if contains -- :files $answers
        __fish_complete_path (commandline --current-token)
    else
        printf '%s\n' $answers
    end
end

complete --command cdctl --no-files --keep-order --arguments '(__cdctl_answers)'
