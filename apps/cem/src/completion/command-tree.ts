import type { Command, Option } from 'commander'

/** What a shell has to know of a flag. */
export interface FlagNode {
  /** `--phase`, and its short form where there is one. */
  readonly names: readonly string[]
  readonly description: string
  /** Whether something follows it. */
  readonly takesValue: boolean
  /** The values that are allowed; empty: any, such as a file. */
  readonly choices: readonly string[]
}

/** What a shell has to know of a command. */
export interface CommandNode {
  /** `plot curves`; '' for the program itself. */
  readonly path: string
  readonly name: string
  readonly description: string
  readonly flags: readonly FlagNode[]
  /** Allowed words of the first argument; empty: any, such as a file. */
  readonly words: readonly string[]
  readonly commands: readonly CommandNode[]
  /** Whether it takes arguments of any kind, such as files, also where it has commands. */
  readonly takesFiles: boolean
}

/** The commands and flags of a program, as commander knows them. */
export function commandTree(command: Command, path = ''): CommandNode {
  const commands = command.commands.map((child) =>
    commandTree(child, path === '' ? child.name() : `${path} ${child.name()}`),
  )
  const help = { names: ['--help', '-h'], description: 'help', takesValue: false, choices: [] }
  return {
    path,
    name: command.name(),
    description: command.description(),
    flags: [...command.options.filter(({ hidden }) => !hidden).map(flagNode), help],
    words: command.registeredArguments[0]?.argChoices ?? [],
    commands,
    takesFiles: command.registeredArguments.some(({ argChoices }) => argChoices === undefined),
  }
}

function flagNode({ long, short, description, required, optional, argChoices }: Option): FlagNode {
  return {
    names: [long, short].filter((name) => name != null),
    description,
    takesValue: required || optional,
    choices: argChoices ?? [],
  }
}

/** A command and all below it. */
export function allCommands(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)]
}
