import type { ReportCell, ReportTable } from '@cem/plots'
import type { Lock, LockedCell } from '../store/lock.ts'
import { hashText, modelText } from './number-text.ts'

/** Which fixed rows the judge was given: some judges know only questions of their own. */
export interface JudgeChecks {
  readonly anchors: boolean
  readonly canaries: boolean
}

/** What was run: every cell's composition with its hashes, the bases, questions and judge, the software. */
export function compositionTables(lock: Lock, checks: JudgeChecks): ReportTable[] {
  return [
    cellTable(lock),
    baseTable(lock),
    questionTable(lock, checks),
    softwareTable(lock),
    ...(lock.imported === undefined ? [] : [importTable(lock.imported)]),
  ].filter(({ rows }) => rows.length > 0)
}

const code = (text: string): ReportCell => ({ text, tone: 'code' })

function cellTable({ cells }: Lock): ReportTable {
  return {
    title: 'Compositions',
    caption: 'SHA-256, shortened to 12 digits; the lock at the end has them whole.',
    columns: ['cell', 'base', 'adapters, in order', 'persona', 'composition'],
    rows: Object.values(cells).map(({ cell, composition }) => [
      {
        text: cell.id,
        note:
          cell.trainingSeed === null
            ? 'training seed unknown'
            : `training seed ${cell.trainingSeed}`,
      },
      modelText(composition?.base.name ?? cell.base),
      layersCell({ cell, ...(composition === undefined ? {} : { composition }) }),
      {
        text: cell.persona,
        note: cell.match,
        ...(cell.match === 'as-trained' ? {} : { tone: 'alarm' as const }),
      },
      code(hashText(composition?.sha256)),
    ]),
  }
}

function layersCell({ cell, composition }: LockedCell): ReportCell {
  if (composition === undefined)
    return cell.layers.length === 0 && cell.persona !== 'unknown'
      ? 'none'
      : {
          text: cell.layers.map(({ role, mode }) => `${role} ${mode}`).join(', ') || 'unknown',
          note: 'not hashed',
        }
  if (composition.layers.length === 0) return 'none'
  const layers = composition.layers.map(
    ({ role, mode, sha256, ranks, scales, nModules, baseCheck }) =>
      `${role} ${mode}, rank ${ranks.join('/')}, scale ${scales.map((scale) => scale.toPrecision(4)).join('/')}, ${nModules} modules, base ${baseCheck}, ${hashText(sha256)}`,
  )
  return { text: layers.join('; ') }
}

function baseTable({ cells }: Lock): ReportTable {
  const bases = new Map(
    Object.values(cells).flatMap(({ composition }) =>
      composition === undefined ? [] : [[JSON.stringify(composition.base), composition] as const],
    ),
  )
  return {
    title: 'Base models',
    columns: ['base', 'revision', 'precision', 'file', 'bytes', 'SHA-256'],
    rows: [...bases.values()].flatMap(({ base, precision }) => [
      ...base.files.map((file): ReportCell[] => [
        modelText(base.name),
        base.revision ?? 'not recorded',
        precision,
        file.name,
        String(file.sizeBytes),
        code(hashText(file.sha256)),
      ]),
      [modelText(base.name), '', '', 'tokenizer', '', code(hashText(base.tokenizerSha256))],
    ]),
  }
}

function questionTable({ questions, judge }: Lock, checks: JudgeChecks): ReportTable {
  const rows = questions.map(({ set, files, ids, names = [] }): ReportCell[] => [
    `questions: ${set}`,
    `${ids.length} questions${names.length === 0 ? '' : ` (${names.join(', ')})`}`,
    code(files.map(hashText).join(' ') || 'unknown'),
  ])
  const judged: ReportCell[][] =
    judge === null
      ? [['judge', { text: 'unknown', tone: 'quiet' }, code('unknown')]]
      : [
          [
            'judge',
            `${judge.model} at ${judge.address}`,
            code(judge.protocols.map(hashText).join(' ')),
          ],
          [
            'canary rows',
            checks.canaries ? 'judged' : 'not judged',
            code(judge.canaries && checks.canaries ? hashText(judge.canaries) : ''),
          ],
          [
            'anchor rows',
            checks.anchors ? 'judged' : 'not judged',
            code(judge.anchors && checks.anchors ? hashText(judge.anchors) : ''),
          ],
        ]
  return {
    title: 'Questions and judge',
    caption: 'SHA-256 of the questions files and of the judge protocols.',
    columns: ['what', 'which', 'hash'],
    rows: [...rows, ...judged],
  }
}

function softwareTable({ software, engine, precision = 'f32' }: Lock): ReportTable {
  return {
    title: 'Software and device',
    columns: ['what', 'version'],
    rows: [
      ...Object.entries(software),
      ...(engine === undefined ? [] : [['device', `${engine.device} (${engine.provider})`]]),
      ...(engine === undefined ? [] : [['precision', precision]]),
    ],
  }
}

function importTable({ files, unknown, stated }: NonNullable<Lock['imported']>): ReportTable {
  return {
    title: 'Imported files',
    caption: `Unknown: ${unknown.join('; ')}.${stated.length === 0 ? '' : ` Stated when the run was imported, and shown by no file: ${stated.join('; ')}.`}`,
    columns: ['file', 'bytes', 'SHA-256'],
    rows: files.map(({ path, sizeBytes, sha256 }) => [
      path,
      String(sizeBytes),
      code(hashText(sha256)),
    ]),
  }
}
