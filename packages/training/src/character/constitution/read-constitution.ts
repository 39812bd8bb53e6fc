import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { checkTraits, type TraitProblem } from './check-traits.ts'
import { type Constitution, type ConstitutionFormat, constitutionHash } from './constitution.ts'

interface Parsed {
  readonly format: ConstitutionFormat
  readonly traits: readonly unknown[]
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly license?: string | undefined
  readonly problems: readonly Problem[]
  /** The line of something in `traits`, from 1; undefined where it is not known. */
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined
}

interface Problem {
  readonly line: number | undefined
  readonly message: string
}

/** More says that it is no constitution. */
const mostBytes = 16 * 2 ** 20
const mostShown = 20

/**
 * Reads a constitution: YAML with `name` and `traits`, a hand-written JSON list of `trait` and `questions`, or JSON lines with
 * `additional_questions`. The format is told from the content.
 *
 * @throws CemError `constitution-unreadable`; `constitution-invalid` with every problem and its line
 */
export async function readConstitution(file: string): Promise<Constitution> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new CemError({
      code: 'constitution-unreadable',
      message: `The constitution ${file} cannot be read: ${messageOf(error)}.`,
      data: { file },
      cause: error,
    })
  }
  return parseConstitution(text, file)
}

/**
 * As `readConstitution`, of a text.
 *
 * @param file names it in errors, and the constitution where it has no name of its own
 */
export function parseConstitution(text: string, file: string): Constitution {
  if (Buffer.byteLength(text) > mostBytes)
    throw invalid(file, [
      { line: undefined, message: `it is larger than ${mostBytes / 2 ** 20} MiB` },
    ])
  const parsed = parse(text.replace(/^\ufeff/, ''), file)
  const { traits, problems } = checkTraits(parsed.traits)
  const all = [...parsed.problems, ...problems.map((problem) => located(problem, parsed))]
  if (all.length > 0) throw invalid(file, all)
  const { name = basename(file, extname(file)), description = null, license = null } = parsed
  const sha256 = constitutionHash(traits)
  return { name, description, license, traits, format: parsed.format, file, sha256 }
}

function parse(text: string, file: string): Parsed {
  const start = text.trimStart()
  if (start === '') throw invalid(file, [{ line: undefined, message: 'it is empty' }])
  if (start.startsWith('[')) return parseHandWritten(text, file)
  if (start.startsWith('{')) return parseFewShot(text)
  return parseOwn(text, file)
}

function parseHandWritten(text: string, file: string): Parsed {
  // JSON is read as JSON; as YAML only to find the lines.
  let traits: unknown
  try {
    traits = JSON.parse(text)
  } catch (error) {
    throw invalid(file, [{ line: lineOfJsonError(text, error), message: messageOf(error) }])
  }
  const { lineOf } = yamlOf(text)
  return { format: 'hand-written', traits: traits as unknown[], problems: [], lineOf }
}

function parseFewShot(text: string): Parsed {
  const problems: Problem[] = []
  const lines: number[] = []
  const traits: unknown[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    try {
      traits.push(JSON.parse(line))
      lines.push(i + 1)
    } catch (error) {
      problems.push({ line: i + 1, message: `is no JSON: ${messageOf(error)}` })
    }
  }
  return { format: 'few-shot', traits, problems, lineOf: ([index]) => lines[Number(index)] }
}

const ownKeys = ['name', 'description', 'license', 'traits']

function parseOwn(text: string, file: string): Parsed {
  const { document, lineOf } = yamlOf(text)
  const [error] = document.errors
  if (error !== undefined)
    throw invalid(file, [{ line: error.linePos?.[0].line, message: firstLine(error.message) }])
  let root: unknown
  try {
    root = document.toJS({ maxAliasCount: 100 })
  } catch (thrown) {
    throw invalid(file, [{ line: undefined, message: messageOf(thrown) }])
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root))
    throw invalid(file, [
      {
        line: 1,
        message:
          "it is neither YAML with 'name' and 'traits', nor a JSON list, nor JSON lines of traits",
      },
    ])
  const given = root as Record<string, unknown>
  const problems: Problem[] = []
  for (const key of Object.keys(given))
    if (!ownKeys.includes(key))
      problems.push({
        line: lineOf([key]),
        message: `'${key}' is unknown; allowed are ${ownKeys.join(', ')}`,
      })
  const textAt = (key: string): string | undefined => {
    const value = given[key]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string' && value.trim() !== '') return value.trim()
    problems.push({ line: lineOf([key]), message: `'${key}' must be a text` })
    return undefined
  }
  const traits = given['traits']
  if (!Array.isArray(traits))
    problems.push({ line: lineOf(['traits']), message: "'traits' must be a list" })
  return {
    format: 'cem',
    traits: Array.isArray(traits) ? traits : [],
    name: textAt('name'),
    description: textAt('description'),
    license: textAt('license'),
    problems,
    lineOf: (path) => lineOf(['traits', ...path]),
  }
}

function yamlOf(text: string): {
  readonly document: Document
  readonly lineOf: Parsed['lineOf']
} {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const lineOf: Parsed['lineOf'] = (path) => {
    // A missing key has no place: its parent's is the nearest.
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line
    }
    return undefined
  }
  return { document, lineOf }
}

function located({ path, message }: TraitProblem, { lineOf }: Parsed): Problem {
  const [index, ...rest] = path
  const place = rest.map((part) => (typeof part === 'number' ? `[${part}]` : part)).join('')
  const trait = typeof index === 'number' ? `trait ${index + 1}` : 'the file'
  return { line: lineOf(path), message: `${trait}${place === '' ? '' : `: ${place}`} ${message}` }
}

/** V8 tells the position, or line and column, in the message. */
function lineOfJsonError(text: string, error: unknown): number | undefined {
  const message = messageOf(error)
  const line = /line (\d+)/.exec(message)?.[1]
  if (line !== undefined) return Number(line)
  const position = /position (\d+)/.exec(message)?.[1]
  if (position === undefined) return undefined
  return text.slice(0, Number(position)).split('\n').length
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}

function invalid(file: string, problems: readonly Problem[]): CemError {
  const lines = problems
    .slice(0, mostShown)
    .map(({ line, message }) => `- ${line === undefined ? '' : `line ${line}: `}${message}`)
  const more = problems.length - lines.length
  return new CemError({
    code: 'constitution-invalid',
    message: `The constitution ${file} is not valid:\n${lines.join('\n')}${more > 0 ? `\nand ${more} more` : ''}`,
    data: { file, problems },
  })
}
