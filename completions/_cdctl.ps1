# cdctl's completion for PowerShell. Put `cdctl completions powershell | Out-String | Invoke-Expression` into $PROFILE.
# `cdctl completions powershell` prints it.

Register-ArgumentCompleter -Native -CommandName cdctl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # A blank before the cursor is no part of the command, but of the line.
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $line = $commandAst.Extent.Text.PadRight($length).Substring(0, $length)
    $cdctl = Get-Command cdctl -CommandType Application -TotalCount 1
    & $cdctl completions --line $line 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        # Where nothing is answered, PowerShell completes files.
        if ($value -ne ':files') {
            if (-not $help) { $help = $value }
            # Revisions have it.
            $text = if ($value.Contains('&')) { "'$value'" } else { $value }
            [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
        }
    }
}
