import { readConstitution, shippedConstitution } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { terminalText } from '../terminal-text.ts'

/** `cem character check FILE` */
export async function checkConstitution(file: string): Promise<number> {
  const constitution = await readConstitution(shippedConstitution(file) ?? file)
  const { name, description, license, format, sha256, traits } = constitution
  const lines = [
    `${name} (${format})${description === null ? '' : `: ${description}`}`,
    `licence ${license ?? 'not given'}, SHA-256 of what it says ${sha256}`,
    ...traits.map(
      ({ trait, questions, additionalQuestions }, i) =>
        `${i + 1}. ${trait} (${questions.length} questions${additionalQuestions.length === 0 ? '' : ` and ${additionalQuestions.length} more`})`,
    ),
  ]
  process.stdout.write(`${lines.map(terminalText).join('\n')}\n`)
  return exitCodes.complete
}
