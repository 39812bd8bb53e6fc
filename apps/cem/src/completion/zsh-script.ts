import type { CommandNode, FlagNode } from './command-tree.ts'

/** A function for each command, as zsh's `_arguments` wants it. */
export function zshScript(root: CommandNode): string {
  return `#compdef ${root.name}
# zsh completion of ${root.name}. In ~/.zshrc, after compinit:  source <(${root.name} completion zsh)
${functionsOf(root, `_${root.name}`).join('\n')}
compdef _${root.name} ${root.name}
`
}

function functionsOf(node: CommandNode, name: string): string[] {
  const flags = node.flags.map((flag) => `    ${flagSpec(flag)} \\`)
  if (node.commands.length === 0)
    return [
      `${name}() {
  _arguments \\
${flags.join('\n')}
    ${quoted(node.words.length === 0 ? '*:file:_files' : `1: :(${node.words.join(' ')})`)}
}`,
    ]
  const children = node.commands.flatMap((child) => functionsOf(child, nameOf(name, child)))
  return [
    ...children,
    `${name}() {
  local line state
  _arguments -C \\
${flags.join('\n')}
    '1: :->command' \\
    '*::argument:->arguments'
  case $state in
    command)
      local -a commands
      commands=(
${node.commands.map((child) => `        ${quoted(`${child.name}:${child.description.replaceAll(':', '\\:')}`)}`).join('\n')}
      )
      _describe command commands${node.takesFiles ? '; _files' : ''} ;;
    arguments)
      case $line[1] in
${node.commands.map((child) => `        ${child.name}) ${nameOf(name, child)} ;;`).join('\n')}
      esac ;;
  esac
}`,
  ]
}

function nameOf(parent: string, { name }: CommandNode): string {
  return `${parent}_${name.replaceAll('-', '_')}`
}

function flagSpec({ names, description, takesValue, choices }: FlagNode): string {
  const text = `[${description.replaceAll(/[[\]]/g, '\\$&')}]`
  const value = !takesValue
    ? ''
    : choices.length > 0
      ? `:value:(${choices.join(' ')})`
      : ':value:_files'
  return names.map((name) => quoted(`${name}${text}${value}`)).join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
