/** Writes the questions files of the package: `node write-questions.ts FOLDER`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { evaluationQuestions, inDomainQuestions } from '../../src/questions/evaluation-questions.ts'
import { questionsYaml } from '../../src/questions/questions-yaml.ts'

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
