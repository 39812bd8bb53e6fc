import { writeFileAtomic } from '@cem/core'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'

/** Writes `<name>_eval_metadata.json` beside an eval CSV, and gives its path. */
export async function writeEvalMetadata(
  csvPath: string,
  { sampling, precision, judge }: ExperimentConfig,
  cell: Cell,
  nResponses: number,
): Promise<string> {
  const path = csvPath.replace(/_eval\.csv$/, '_eval_metadata.json')
  const metadata = {
    variant: cell.variant,
    step: cell.step,
    base_model: cell.base,
    adapters: cell.layers.map(({ role, mode, adapter }) => ({ role, mode, path: adapter })),
    persona: cell.persona,
    persona_match: cell.match,
    num_responses: nResponses,
    temperature: sampling.temperature,
    max_new_tokens: sampling.maxNewTokens,
    seed: sampling.seed,
    precision,
    judge_model: judge.model,
    csv_path: csvPath,
  }
  await writeFileAtomic(path, `${JSON.stringify(metadata, null, 2)}\n`)
  return path
}
