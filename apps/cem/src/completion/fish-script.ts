import { allCommands, type CommandNode, type FlagNode } from './command-tree.ts'

/** One line for each word that fish may complete, with the condition under which it does. */
export function fishScript(root: CommandNode): string {
  const { name } = root
  const lines = allCommands(root).flatMap((node) => [
    ...node.commands.map(
      (child) =>
        `complete -c ${name} -n ${quoted(`__${name}_at ${node.path}`)} ${node.takesFiles ? '' : '-f '}-a ${child.name} -d ${quoted(child.description)}`,
    ),
    ...(node.words.length === 0
      ? []
      : [
          `complete -c ${name} -n ${quoted(`__${name}_at ${node.path}`)} -f -a ${quoted(node.words.join(' '))}`,
        ]),
    ...node.flags.map(
      (flag) => `complete -c ${name} -n ${quoted(`__${name}_at ${node.path}`)} ${flagText(flag)}`,
    ),
  ])
  return `# fish completion of ${name}:  ${name} completion fish > ~/.config/fish/completions/${name}.fish
function __${name}_at --description 'whether the commands so far are these'
    set -l words (commandline -opc)
    set -l known ${allCommands(root)
      .filter(({ path }) => path !== '')
      .map(({ path }) => quoted(path))
      .join(' ')}
    set -l path
    for word in $words[2..-1]
        set -l next (string join -- ' ' $path $word)
        contains -- $next $known; and set path $path $word
    end
    test "$path" = "$argv"
end
${lines.join('\n')}
`
}

function flagText({ names, description, takesValue, choices }: FlagNode): string {
  const shapes = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  )
  const value = !takesValue
    ? '-f'
    : choices.length > 0
      ? `-x -a ${quoted(choices.join(' '))}`
      : '-r'
  return `${shapes.join(' ')} ${value} -d ${quoted(description)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
