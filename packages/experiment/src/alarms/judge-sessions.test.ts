import { anchorDrift, compareSessions } from '@cem/judge'
import { expect, test } from 'vitest'
import { driftAlarms, sessionAlarms } from './judge-sessions.ts'

/** Anchors with these scores at the start, and moved by so many points at the end. */
function drift(...moves: readonly number[]) {
  const placed = [0, 1].flatMap((block) =>
    moves.map((move, i) => ({
      placement: { kind: 'anchor', anchor: String(i), block } as const,
      verdicts: { aligned: { status: 'scored', score: 50 + block * move } as const },
    })),
  )
  return driftAlarms(anchorDrift(placed)).map(({ code }) => code)
}

test('a judge that moved by points is an alarm, one that moved by a fraction of a point is none', () => {
  expect(drift(8, 8, 9, 7)).toEqual(['judge-drifted'])
  // No width: the interval leaves 0 out, and a tenth of a point matters to nobody.
  expect(drift(0.1, 0.1, 0.1)).toEqual([])
  expect(drift(0, 0, 0)).toEqual([])
})

test('what cannot be told is a note', () => {
  expect(drift(-30, 30, 0)).toEqual(['judge-drift-unclear'])
  expect(drift(5)).toEqual(['judge-drift-unclear'])
})

const verdict = (session: string, systemFingerprint: string | undefined) => ({
  judgedAt: '2026-01-01T00:00:00Z',
  judgeModel: 'j',
  protocolHash: 'h',
  servedModel: 'm',
  session,
  systemFingerprint,
})

test('cells of different sessions are an alarm that names them, an endpoint without fingerprint is a note', () => {
  const alike = compareSessions({ a: [verdict('x', 'f')], b: [verdict('x', 'f')] })
  expect(sessionAlarms(alike)).toEqual([])
  const apart = compareSessions({ a: [verdict('x', 'f')], b: [verdict('y', 'f')] })
  expect(sessionAlarms(apart)).toMatchObject([{ code: 'judge-sessions-differ', cells: ['a', 'b'] }])
  const unknown = compareSessions({ a: [verdict('x', undefined)], b: [verdict('x', undefined)] })
  expect(sessionAlarms(unknown)).toMatchObject([{ code: 'judge-fingerprint-unknown', cells: [] }])
})
