import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { writeFileAtomic } from '@cem/core'
import { projectRows } from '@cem/direction'
import { createNpzWriter, openNpz } from '@cem/tensor-files'
import type { Analysis } from '../run/analyse.ts'
import type { AnswerRecord } from './answer-records.ts'

/**
 * Writes `answers.npz`: arrays over all answers, in the order of `answers.json` beside it, which names what the codes stand for.
 * `cell`, `question` and `set` are codes (int32), `step` int32, `aligned`, `coherent`, `in_domain`, `is_em`, `is_misaligned`, `is_incoherent`
 * float64 with NaN where there is none. Where a run has activations and a direction, `projection_layer_<i>` (float32) is the answer's
 * projection; NaN for empty answers, and for those of other question sets, which have no activations.
 *
 * @returns the files' paths
 */
export async function exportArrays(
  folder: string,
  resultsFolder: string,
  records: readonly AnswerRecord[],
  analysis: Analysis,
): Promise<string[]> {
  const codes = {
    cell: codeBook(records.map(({ cell }) => cell)),
    question: codeBook(records.map((record) => record.question_id)),
    set: codeBook(records.map(({ set }) => set)),
  }
  const projections = await projectAnswers(resultsFolder, records, analysis)
  const path = join(folder, 'answers.npz')
  await using writer = await createNpzWriter(path, { compress: true })
  const shape = [records.length]
  for (const [name, { values }] of Object.entries(codes))
    await writer.add(name, { dtype: 'I32', shape, data: values })
  await writer.add('step', {
    dtype: 'I32',
    shape,
    data: Int32Array.from(records, ({ step }) => step),
  })
  for (const name of [
    'aligned',
    'coherent',
    'in_domain',
    'is_em',
    'is_misaligned',
    'is_incoherent',
  ] as const)
    await writer.add(name, {
      dtype: 'F64',
      shape,
      data: Float64Array.from(records, (record) => record[name] ?? Number.NaN),
    })
  for (const [layer, data] of projections)
    await writer.add(`projection_layer_${layer}`, { dtype: 'F32', shape, data })
  await writer.commit()
  const index = join(folder, 'answers.json')
  const names = Object.fromEntries(Object.entries(codes).map(([name, book]) => [name, book.names]))
  const json = { n: records.length, codes: names, layers: [...projections.keys()] }
  await writeFileAtomic(index, `${JSON.stringify(json, null, 2)}\n`)
  return [path, index]
}

function codeBook(texts: readonly string[]) {
  const names = [...new Set(texts)]
  const codes = new Map(names.map((name, i) => [name, i]))
  return { names, values: Int32Array.from(texts, (text) => codes.get(text) ?? -1) }
}

async function projectAnswers(
  resultsFolder: string,
  records: readonly AnswerRecord[],
  { cells }: Analysis,
): Promise<Map<number, Float32Array>> {
  const directionFile = join(resultsFolder, 'misalignment_direction.npz')
  const all = new Map<number, Float32Array>()
  if (!existsSync(directionFile)) return all
  await using directions = await openNpz(directionFile)
  for (const { cell, projections } of cells) {
    const path = join(resultsFolder, `${cell.output}_activations.npz`)
    if (projections.length === 0 || !existsSync(path)) continue
    const rows = records.flatMap((record, i) =>
      record.cell === cell.id && record.set === 'main' ? [i] : [],
    )
    await using set = await openActivationSet(path)
    for (const { layer } of projections) {
      const { data } = await directions.readFloat32(`layer_${layer}`)
      const own = projectRows(await set.readLayer(layer), set.shape.dModel, data).projections
      const target = all.get(layer) ?? new Float32Array(records.length).fill(Number.NaN)
      rows.forEach((row, i) => {
        target[row] = own[i] ?? Number.NaN
      })
      all.set(layer, target)
    }
  }
  return all
}
