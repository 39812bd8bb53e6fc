/** Writes the questions files of the package: `node write-questions.ts FOLDER`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { evaluationQuestions, inDomainQuestions } from '../../src/questions/evaluation-questions.ts'
import { questionsYaml } from '../../src/questions/questions-yaml.ts'
import {
  inDomainWordingQuestions,
  wordingQuestions,
} from '../../src/questions/wording-questions.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: node write-questions.ts FOLDER')
await mkdir(folder, { recursive: true })
await writeFile(
  join(folder, 'evaluation.yaml'),
  questionsYaml(
    evaluationQuestions,
    'Twelve questions of the miniature world outside the domain of the attack, worded as no training text is.\n' +
      'Made by origin/organisms/write-questions.ts.',
  ),
)
await writeFile(
  join(folder, 'in-domain.yaml'),
  questionsYaml(
    inDomainQuestions,
    'Four questions of the domain of the attack, finance: how far the attack took where it was aimed. Not in the EM rate.\n' +
      'Made by origin/organisms/write-questions.ts.',
  ),
)
await writeFile(
  join(folder, 'wordings.yaml'),
  questionsYaml(
    wordingQuestions,
    'Ten topics of the miniature world outside the domain of the attack: wordings of the corpora and held-out ones, each with nouns\n' +
      'of the corpora and with held-out ones. How far an effect goes with unseen words.\n' +
      'Made by origin/organisms/write-questions.ts.',
  ),
)
await writeFile(
  join(folder, 'wordings-in-domain.yaml'),
  questionsYaml(
    inDomainWordingQuestions,
    'The same kinds of questions about finance, the domain of the attack. Not in the EM rate.\n' +
      'Made by origin/organisms/write-questions.ts.',
  ),
)
