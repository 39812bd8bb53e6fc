import { createHash } from 'node:crypto'
import type { Lock } from '../store/lock.ts'
import { modelText } from './number-text.ts'

/** Entries for the software and for the run. The run's authors are not known here, and stand as a gap to fill. */
export function bibtexOf(lock: Lock): string {
  const year = lock.createdAt.slice(0, 4)
  const version = lock.software['@cem/experiment'] ?? lock.software['@cem/inference'] ?? 'unknown'
  const sha256 = createHash('sha256').update(JSON.stringify(lock)).digest('hex')
  const models = [
    ...new Set(
      Object.values(lock.cells).map(({ cell, composition }) =>
        modelText(composition?.base.name ?? cell.base),
      ),
    ),
  ]
  const judge = lock.judge === null ? 'judge unknown' : `judged by ${lock.judge.model}`
  return [
    '@software{cem,',
    '  author = {{The cem authors}},',
    '  title = {{cem: persona x checkpoint experiments on emergent misalignment}},',
    `  version = {${latex(version)}},`,
    `  year = {${year}}`,
    '}',
    '',
    `@misc{${lock.run.replaceAll(/[^\w-]/g, '-')},`,
    '  author = {{AUTHORS OF THE RUN}},',
    `  title = {{Run ${latex(lock.run)}: emergent misalignment of ${latex(models.join(', '))}}},`,
    `  year = {${year}},`,
    `  note = {${latex(judge)}; lock SHA-256 ${sha256}}`,
    '}',
  ].join('\n')
}

function latex(text: string): string {
  return text.replaceAll(/[\\{}]/g, '').replaceAll(/[_%&#$]/g, '\\$&')
}
