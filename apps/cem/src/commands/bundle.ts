import { CemError } from '@cem/core'
import { bundleRun, type VerifiedBundle, verifyBundle } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { runFolder } from '../run-folder.ts'
import { terminalText } from '../terminal-text.ts'

interface PasswordFlag {
  readonly passwordVariable?: string
}

interface BundleFlags extends PasswordFlag {
  readonly results: string
  readonly output?: string
  readonly activations?: boolean
}

/** `cem bundle RUN` */
export async function bundleCommand(run: string | undefined, flags: BundleFlags): Promise<number> {
  if (run === undefined)
    throw new CemError({
      code: 'usage',
      message: 'Name a run: cem bundle RUN, or cem bundle verify FILE.',
    })
  const { path, sizeBytes, manifest } = await bundleRun({
    ...runFolder(run, flags.results),
    output: flags.output,
    activations: flags.activations,
    password: passwordOf(flags),
  })
  const lines = [
    `wrote ${path}: ${manifest.files.length} files, ${(sizeBytes / 1e6).toFixed(1)} MB`,
    ...manifest.leftOut.map((text) => `left out: ${text}`),
    'its answers may be harmful: keep it out of public places and training data',
  ]
  process.stdout.write(`${lines.map(terminalText).join('\n')}\n`)
  return exitCodes.complete
}

interface VerifyFlags extends PasswordFlag {
  readonly into?: string
  readonly json?: boolean
}

/** `cem bundle verify FILE` */
export async function verifyBundleCommand(path: string, flags: VerifyFlags): Promise<number> {
  const found = await verifyBundle({ path, into: flags.into, password: passwordOf(flags) })
  const { problems } = found
  const lines = flags.json === true ? [JSON.stringify(found)] : verifiedLines(found, flags)
  process.stdout.write(`${lines.join('\n')}\n`)
  return problems.length === 0 ? exitCodes.complete : exitCodes.failed
}

function verifiedLines(
  { manifest, problems, scores, analysis }: VerifiedBundle,
  { into }: VerifyFlags,
): string[] {
  const same = analysis.filter(({ absent, difference }) => absent === null && difference === null)
  return [
    `run ${manifest.run}, bundled ${manifest.bundledAt}: ${manifest.files.length} files`,
    ...problems.map((problem) => `PROBLEM: ${problem}`),
    ...(scores.nChecked === 0
      ? []
      : [`${scores.nChecked} scores computed anew from the judge's raw answers`]),
    ...(same.length === 0
      ? []
      : [`made anew, the same: ${same.map(({ name }) => name).join(', ')}`]),
    ...analysis.flatMap(({ name, absent }) =>
      absent === null ? [] : [`not made anew: ${name} (${absent})`],
    ),
    ...manifest.leftOut.map((text) => `left out: ${text}`),
    ...(into === undefined ? [] : [`the files are in ${into}`]),
    problems.length === 0 ? 'verified' : `NOT verified: ${problems.length} problems`,
  ].map(terminalText)
}

function passwordOf({ passwordVariable }: PasswordFlag): string | undefined {
  if (passwordVariable === undefined) return undefined
  const password = process.env[passwordVariable]
  if (password !== undefined && password !== '') return password
  throw new CemError({
    code: 'password-missing',
    message: `The environment variable ${passwordVariable} is not set: put the password into it.`,
    data: { passwordVariable },
  })
}
