/** One script per shell. Each asks `omg completion words` for what may come next, so that they never need to change. */
export const COMPLETION_SCRIPTS = {
  bash: `_omg() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}") cur="\${COMP_WORDS[COMP_CWORD]}"
  # Names of models hold colons, at which bash splits words: take the line as it is.
  if [[ "\${COMP_WORDBREAKS}" == *:* ]]; then
    read -r -a words <<< "\${COMP_LINE:0:COMP_POINT}"
    words=("\${words[@]:1}")
    [[ "\${COMP_LINE:0:COMP_POINT}" == *" " ]] && words+=("")
  fi
  local found
  mapfile -t found < <(omg completion words -- "\${words[@]}" 2>/dev/null)
  COMPREPLY=("\${found[@]}")
  local last="\${words[\${#words[@]}-1]}"
  if [[ "$last" == *:* && "\${COMP_WORDBREAKS}" == *:* ]]; then
    local prefix="\${last%"\${last##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=() && compopt -o default 2>/dev/null
}
complete -F _omg omg ohmygpu
`,
  zsh: `#compdef omg ohmygpu
_omg() {
  local -a found
  found=("\${(@f)$(omg completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} )); then
    compadd -a found
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = "_omg" ]; then
  _omg "$@"
else
  compdef _omg omg ohmygpu
fi
`,
  fish: `function __omg_words
  set -l tokens (commandline -opc) (commandline -ct)
  omg completion words -- $tokens[2..-1] 2>/dev/null
end
complete -c omg -f -a '(__omg_words)'
complete -c ohmygpu -f -a '(__omg_words)'
complete -c omg -n '__fish_seen_subcommand_from import' -F
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName omg, ohmygpu -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  # Before 7.3 PowerShell drops empty arguments: two quotes stand for one.
  if ($wordToComplete -eq '') { $words += '""' }
  omg completion words -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
} as const;

/** What shells are called by their program. */
export const SHELL_OF_PROGRAM: Readonly<Record<string, string>> = { pwsh: 'powershell' };

export function isCompletionShell(name: string): name is keyof typeof COMPLETION_SCRIPTS {
  return Object.hasOwn(COMPLETION_SCRIPTS, name);
}
