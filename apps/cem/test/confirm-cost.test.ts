import { rm } from 'node:fs/promises'
import { loadConfig } from '@cem/experiment'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeStudy, type TinyStudy } from '../../../packages/experiment/test/tiny-study.ts'
import { confirmCost } from '../src/commands/confirm-cost.ts'

let study: TinyStudy
beforeAll(async () => {
  study = await makeStudy([], 'http://127.0.0.1:9/v1')
})
afterAll(() => rm(study.folder, { recursive: true, force: true }))

async function confirm(
  judge: Readonly<Record<string, unknown>>,
  options: Partial<Parameters<typeof confirmCost>[1]> = {},
) {
  const loaded = await loadConfig(study.configFile, {
    workingFolder: study.folder,
    overrides: { judge },
  })
  const asked: string[] = []
  const answer = 'y'
  const confirmed = await confirmCost(loaded, {
    phase: undefined,
    isConfirmed: false,
    isQuiet: true,
    ask: async (question) => {
      asked.push(question)
      return answer
    },
    ...options,
  })
  return { confirmed, asked }
}

const prices = { inputPerMillion: 1e6, outputPerMillion: 0 }

test('nobody is asked without prices, below the limit, for another phase, or where a flag said yes', async () => {
  expect(await confirm({})).toEqual({ confirmed: false, asked: [] })
  expect(await confirm({ prices, confirmAboveUsd: 1e9 })).toEqual({ confirmed: false, asked: [] })
  expect(await confirm({ prices }, { phase: 'generate' })).toEqual({ confirmed: false, asked: [] })
  expect(await confirm({ prices }, { isConfirmed: true })).toEqual({ confirmed: true, asked: [] })
})

test('above the limit a yes goes on, and anything else ends it', async () => {
  const { confirmed, asked } = await confirm({ prices, confirmAboveUsd: 3 })
  expect(confirmed).toBe(true)
  expect(asked[0]).toContain('confirmAboveUsd (3 USD)')
  await expect(confirm({ prices }, { ask: async () => '' })).rejects.toMatchObject({
    code: 'cost-unconfirmed',
  })
})
