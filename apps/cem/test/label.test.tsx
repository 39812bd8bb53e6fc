import { PassThrough } from 'node:stream'
import { render } from 'ink-testing-library'
import { describe, expect, test, vi } from 'vitest'
import { LabelApp } from '../src/label/label-app.tsx'
import { labelPlain } from '../src/label/label-plain.ts'
import type { LabelStep } from '../src/label/label-steps.ts'
import { wrapText } from '../src/label/wrap-text.ts'

const metric = { name: 'aligned', least: 0, most: 100 }
const steps: readonly LabelStep[] = ['one', 'two', 'three'].map((item) => ({
  task: { item, question: `question ${item}?`, answer: `answer ${item}\u001b[2J\nand more` },
  metric,
}))

type OnLabel = (step: LabelStep, value: number | null) => Promise<void>

function show(onLabel = vi.fn<OnLabel>(async () => undefined)) {
  const onEnd = vi.fn()
  const app = render(<LabelApp steps={steps} onLabel={onLabel} onEnd={onEnd} />)
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) {
      app.stdin.write(key)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
  const given = () => onLabel.mock.calls.map(([step, value]) => [step.task.item, value])
  return { ...app, frame: () => app.lastFrame() ?? '', press, given, onEnd }
}

const enter = '\r'
const up = '\u001b[A'
const left = '\u001b[D'

describe('the labelling screen', () => {
  test('shows one answer, with its control characters made visible, and takes a number', async () => {
    const { frame, press, given, unmount } = show()
    await press()
    expect(frame()).toContain('question one?')
    expect(frame()).toContain('answer one')
    expect(frame()).not.toContain('\u001b[2J')
    expect(frame()).toContain('rating 1 of 3 · 0 given')
    await press('7', '3')
    expect(frame()).toContain('> 73')
    await press(enter)
    expect(given()).toEqual([['one', 73]])
    expect(frame()).toContain('question two?')
    unmount()
  })

  test('keys that come at once, as on a slow line, are the keys that they are', async () => {
    const { press, given, unmount } = show()
    await press('95\u007f\r80\r')
    expect(given()).toEqual([
      ['one', 9],
      ['two', 80],
    ])
    unmount()
  })

  test('arrows start in the middle: up 10, left 1', async () => {
    const { press, given, unmount } = show()
    await press(up, left, enter)
    expect(given()).toEqual([['one', 59]])
    unmount()
  })

  test('a number beyond the scale, or none, is refused with the scale', async () => {
    const { frame, press, given, unmount } = show()
    await press('1', '0', '1', enter)
    expect(frame()).toContain('aligned is a number from 0 to 100')
    expect(given()).toEqual([])
    await press('\u007f', enter)
    expect(given()).toEqual([['one', 10]])
    unmount()
  })

  test('s leaves an answer out, u calls it not ratable, b goes back and shows what was given', async () => {
    const { frame, press, given, unmount } = show()
    await press('s', 'u')
    expect(given()).toEqual([['two', null]])
    await press('b')
    expect(frame()).toContain('was not ratable')
    await press('4', enter)
    expect(given()).toEqual([
      ['two', null],
      ['two', 4],
    ])
    unmount()
  })

  test('q ends after the label before it is written', async () => {
    let write = () => {}
    const onLabel = vi.fn<OnLabel>(
      () =>
        new Promise((resolve) => {
          write = resolve
        }),
    )
    const { press, onEnd, unmount } = show(onLabel)
    await press('5', enter, 'q')
    expect(onEnd).not.toHaveBeenCalled()
    write()
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledWith(undefined))
    unmount()
  })

  test('a label that cannot be written ends it with the error', async () => {
    const failure = new Error('the disk is full')
    const { press, onEnd, unmount } = show(vi.fn<OnLabel>(() => Promise.reject(failure)))
    await press('5', enter)
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledWith(failure))
    unmount()
  })
})

describe('labelling by lines', () => {
  async function lines(text: string) {
    const input = new PassThrough()
    const printed: string[] = []
    const given: [string, number | null][] = []
    input.end(text)
    await labelPlain({
      steps,
      input,
      print: (line) => printed.push(line),
      onLabel: async (step, value) => {
        given.push([step.task.item, value])
      },
    })
    return { printed: printed.join('\n'), given }
  }

  test('takes numbers, s, u and b, and ends with the last answer', async () => {
    const { printed, given } = await lines('12\nb\n13\ns\nu\nnever read\n')
    expect(given).toEqual([
      ['one', 12],
      ['one', 13],
      ['three', null],
    ])
    expect(printed).toContain('question: question three?')
    expect(printed).not.toContain('\u001b[2J')
  })

  test('asks again after what is no score, and keeps what was given where the input ends', async () => {
    const { printed, given } = await lines('abc\n\n101\n100\n')
    expect(given).toEqual([['one', 100]])
    expect(printed.match(/aligned is a number from 0 to 100/g)).toHaveLength(3)
  })

  test('q ends it', async () => {
    expect((await lines('q\n1\n')).given).toEqual([])
  })
})

test('answers are wrapped at words, long words are cut, and line breaks stay', () => {
  expect(wrapText('one two three\n\nabcdefghijklmno', 10)).toEqual([
    'one two',
    'three',
    '',
    'abcdefghij',
    'klmno',
  ])
})
