import { createHash } from 'node:crypto'
import { labelRows } from '../analysis/cell-metrics.ts'
import type { RunRow } from '../labels/run-rows.ts'
import { reportCanary } from '../report/canary.ts'
import { modelText } from '../report/number-text.ts'
import type { Analysis } from '../run/analyse.ts'
import type { CompletionRecord } from '../store/completions.ts'
import { rowKey } from '../store/completions.ts'
import type { Lock } from '../store/lock.ts'

export interface InspectLogInput {
  readonly lock: Lock
  readonly cell: Analysis['cells'][number]
  /** The cell's judged answers. */
  readonly rows: readonly RunRow[]
  /** By `rowKey`; empty where they are not there. */
  readonly completions: ReadonlyMap<string, CompletionRecord>
  readonly thresholds: Analysis['thresholds']
}

/** An Inspect eval log, as much of it as is written here: format version 2, https://inspect.aisi.org.uk/eval-logs.html */
export interface InspectEvalLog {
  readonly version: 2
  readonly eval: Readonly<Record<string, unknown>> & {
    readonly created: string
    readonly task: string
    readonly task_id: string
  }
  readonly samples: readonly Readonly<Record<string, unknown>>[]
  readonly [key: string]: unknown
}

/**
 * A cell's judged answers as a log of Inspect AI. Ids are question ids (with `#<n>` for further wordings), epochs are samples. A
 * score that the judge did not give is no score in the log; the sample's metadata say why. What is unknown is left out.
 */
export function inspectEvalLog(input: InspectLogInput): InspectEvalLog {
  const { lock, cell, rows } = input
  const model = `cem/${cell.cell.id}`
  const id = (what: string) =>
    createHash('sha256')
      .update(`${lock.run} ${lock.createdAt} ${cell.cell.id} ${what}`)
      .digest('hex')
      .slice(0, 22)
  const created = lock.createdAt.replace(/(?:\.\d+)?Z$/, '+00:00')
  const samples = rows.map((row) => sampleOf(row, input, model, id(row.id)))
  const config = samplingOf(lock)
  return {
    version: 2,
    status: 'success',
    eval: {
      eval_id: id('eval'),
      run_id: id('run'),
      created,
      // Lists of logs show the task: each cell has its own.
      task: `${lock.run}-${cell.cell.id.replaceAll('/', '-')}`,
      tags: [lock.run, cell.cell.condition],
      task_id: id('task'),
      task_version: 0,
      task_attribs: {},
      task_args: {},
      dataset: {
        name: lock.questions.map(({ set }) => set).join(', '),
        samples: new Set(samples.map((sample) => sample.id)).size,
        sample_ids: [...new Set(samples.map((sample) => sample.id))],
        shuffled: false,
      },
      model,
      model_generate_config: config,
      model_args: {},
      config: { epochs: Math.max(1, ...samples.map(({ epoch }) => epoch)) },
      packages: lock.software,
      metadata: metadataOf(input),
    },
    plan: { name: 'plan', steps: [{ solver: 'generate', params: {} }], config },
    results: resultsOf(input, samples),
    stats: { started_at: created, completed_at: created, model_usage: {} },
    samples,
  }
}

function samplingOf({ sampling }: Lock) {
  if (sampling === null) return {}
  const { temperature, maxNewTokens, seed } = sampling
  return { temperature, max_tokens: maxNewTokens, top_p: 1, seed }
}

/** What Inspect has no place for. */
function metadataOf({ lock, cell: { cell, isCollapsed } }: InspectLogInput) {
  const { composition } = lock.cells[cell.id] ?? {}
  return {
    canary: reportCanary,
    cell: cell.id,
    variant: cell.variant,
    condition: cell.condition,
    step: cell.step,
    training_seed: cell.trainingSeed,
    persona: cell.persona,
    persona_match: cell.match,
    is_collapsed: isCollapsed,
    base: modelText(composition?.base.name ?? cell.base),
    composition_sha256: composition?.sha256 ?? null,
    judge:
      lock.judge === null ? null : { model: lock.judge.model, protocols: lock.judge.protocols },
    ...(lock.imported === undefined ? {} : { unknown: lock.imported.unknown }),
  }
}

interface Sample extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly epoch: number
  readonly scores: Readonly<Record<string, { readonly value: number }>>
}

function sampleOf(row: RunRow, input: InspectLogInput, model: string, uuid: string): Sample {
  const { set, question, paraphrase, sample, wording, answer, verdicts } = row
  const completion = input.completions.get(rowKey(row))
  const message = { role: 'assistant', content: answer, source: 'generate', model }
  const unscored = Object.entries(verdicts).flatMap(([metric, verdict]) =>
    verdict.status === 'unscored' ? [[metric, verdict.reason] as const] : [],
  )
  return {
    id: `${set === 'main' ? '' : `${set}/`}${question}${paraphrase === 0 ? '' : `#${paraphrase}`}`,
    epoch: sample + 1,
    input: wording,
    target: '',
    messages: [{ role: 'user', content: wording, source: 'input' }, message],
    output: {
      model,
      choices: [{ message, stop_reason: stopReason(completion) }],
      completion: answer,
      ...usageOf(completion),
    },
    scores: scoresOf(row, input.thresholds),
    metadata: {
      set,
      paraphrase,
      sample,
      ...(unscored.length === 0 ? {} : { unscored: Object.fromEntries(unscored) }),
    },
    store: {},
    events: [],
    model_usage: {},
    uuid,
    attachments: {},
  }
}

function stopReason(completion: CompletionRecord | undefined): string {
  if (completion === undefined) return 'unknown'
  return completion.finishReason === 'stop' ? 'stop' : 'max_tokens'
}

function usageOf(completion: CompletionRecord | undefined) {
  if (completion === undefined) return {}
  const [input, output] = [completion.promptTokenIds.length, completion.tokenIds.length]
  return { usage: { input_tokens: input, output_tokens: output, total_tokens: input + output } }
}

/** The judge's scores, and EM as 1 and 0 under the run's thresholds. */
function scoresOf(row: RunRow, thresholds: Analysis['thresholds']): Sample['scores'] {
  const own = Object.entries(row.verdicts).flatMap(([metric, verdict]) =>
    verdict.status === 'scored' ? [[metric, { value: verdict.score }] as const] : [],
  )
  const [label] = labelRows([row], thresholds)
  if (label === undefined || label.isEm === null) return Object.fromEntries(own)
  // The viewer's list shows what a score says the answer is.
  const em = { value: label.isEm, answer: row.answer }
  return { em, ...Object.fromEntries(own) }
}

/** Means over all samples with a score; Inspect's own kind of summary, beside the run's estimates with intervals in the metadata. */
function resultsOf({ cell: { metrics } }: InspectLogInput, samples: readonly Sample[]) {
  const names = [...new Set(samples.flatMap(({ scores }) => Object.keys(scores)))]
  return {
    total_samples: samples.length,
    completed_samples: samples.length,
    scores: names.map((name) => {
      const values = samples.flatMap(({ scores }) => scores[name]?.value ?? [])
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      return {
        name,
        scorer: name,
        scored_samples: values.length,
        unscored_samples: samples.length - values.length,
        params: {},
        metrics: { mean: { name: 'mean', value: mean, params: {} } },
      }
    }),
    metadata: { em: metrics.main.em, in_domain_em: metrics.inDomain?.em ?? null },
  }
}

/** A name that Inspect's viewer takes for a log. */
export function inspectLogName({ eval: { created, task, task_id } }: InspectEvalLog): string {
  const safe = task.replaceAll(/[^\w.-]/g, '-')
  return `${created.replaceAll(/[:+]/g, '-')}_${safe}_${task_id}.json`
}
