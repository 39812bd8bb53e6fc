import { allCommands, type CommandNode, type FlagNode } from './command-tree.ts'

/** For bash 3.2 and newer, which is macOS's. */
export function bashScript(root: CommandNode): string {
  const all = allCommands(root)
  return `# bash completion of ${root.name}. In ~/.bashrc:  source <(${root.name} completion bash)
_${root.name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$path $word" in
${all
  .filter(({ path }) => path !== '')
  .map(
    ({ path, name }) =>
      `      ${quoted(`${parentOf(path, name)} ${name}`)}) path=${quoted(path)} ;;`,
  )
  .join('\n')}
    esac
  done
  case "$path $previous" in
${all.flatMap(({ path, flags }) => flags.filter((flag) => flag.takesValue).map((flag) => valueCase(path, flag))).join('\n')}
  esac
  local flags="" words="" files=""
  case "$path" in
${all
  .map(
    ({ path, flags, commands, words, takesFiles }) =>
      `    ${quoted(path)}) flags=${quoted(flags.flatMap(({ names }) => names).join(' '))}; words=${quoted([...commands.map(({ name }) => name), ...words].join(' '))}; files=${takesFiles ? 1 : ''} ;;`,
  )
  .join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ -n "$files" ]] && COMPREPLY+=($(compgen -f -- "$current"))
  fi
  return 0
}
complete -o filenames -F _${root.name} ${root.name}
`
}

function parentOf(path: string, name: string): string {
  return path.slice(0, -name.length).trimEnd()
}

function valueCase(path: string, { names, choices }: FlagNode): string {
  const patterns = names.map((name) => quoted(`${path} ${name}`)).join(' | ')
  const reply = choices.length > 0 ? `compgen -W ${quoted(choices.join(' '))}` : 'compgen -f'
  return `    ${patterns}) COMPREPLY=($(${reply} -- "$current")); return ;;`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\\\''")}'`
}
