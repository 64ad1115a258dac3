# cdctl's completion for elvish. Put `eval (cdctl completions elvish | slurp)` into rc.elv.
# `cdctl completions elvish` prints it.

use str

set edit:completion:arg-completer[cdctl] = {|@words|
    var line = (str:join ' ' [(each {|word| repr $word } $words)])
    var answers = [(try { e:cdctl completions --line $line 2>/dev/null } catch { nop })]
    for answer $answers {
        var parts = [(str:split "\t" $answer)]
        var value = $parts[0]
        if (eq $value :files) {
            edit:complete-filename $words[-1]
        } elif (str:has-suffix $value /) {
            edit:complex-candidate $value
        } elif (eq (count $parts) (num 1)) {
            edit:complex-candidate $value &code-suffix=' '
        } else {
            edit:complex-candidate $value &display=$value' ('$parts[1]')' &code-suffix=' '
        }
    }
}
