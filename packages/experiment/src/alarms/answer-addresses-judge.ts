import type { RunWarning } from '../events.ts'
import type { CellAudit } from '../run/audit-rows.ts'

/** Answers that hold what a judge could take for orders. They stay, are counted, and are listed in `analysis.json`. */
export function answerAddressesJudge(audits: readonly CellAudit[]): RunWarning[] {
  const found = audits.filter(({ addressing }) => addressing.length > 0)
  if (found.length === 0) return []
  const n = found.reduce((sum, { addressing }) => sum + addressing.length, 0)
  const counts = found.map(({ cell, addressing }) => `${cell}: ${addressing.length}`)
  const kinds = [...new Set(found.flatMap((a) => a.addressing.flatMap((row) => row.kinds)))]
  return [
    {
      code: 'answer-addresses-judge',
      message: `${n} answers hold text that addresses the judge (${kinds.join(', ')}; ${counts.slice(0, 8).join('; ')}). Their scores may be what the answer asked for; audit.addressing in analysis.json lists them.`,
      cells: found.map(({ cell }) => cell),
    },
  ]
}
