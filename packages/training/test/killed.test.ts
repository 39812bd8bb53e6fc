import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readTrainingLog } from '../src/index.ts'
import { writeChats } from './chats.ts'

vi.setConfig({ testTimeout: 60_000 })

const script = fileURLToPath(new URL('train-script.ts', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-killed-'))
  await writeChats(join(folder, 'chats.jsonl'), 25)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const argumentsOf = (name: string, delayInMs = 0) => [
  script,
  join(folder, name),
  join(folder, 'chats.jsonl'),
  join(folder, 'cache'),
  String(delayInMs),
]
const train = (name: string) => promisify(execFile)(process.execPath, argumentsOf(name))
const adapter = (name: string) => readFile(join(folder, name, 'adapter_model.safetensors'))
const checkpoints = async (name: string) =>
  (await readdir(join(folder, name))).filter((one) => one.includes('checkpoint')).toSorted()

/** Kills the process with SIGKILL as soon as its output has the text. */
function killAt(name: string, text: string): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argumentsOf(name, 5))
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
      if (out.includes(text)) child.kill('SIGKILL')
    })
    child.on('exit', (_, signal) => resolve(signal))
  })
}

test('a training that is killed twice ends with the weights and the log of one that was not', async () => {
  await train('whole')
  expect(await killAt('killed', '"training-step","step":8,')).toBe('SIGKILL')
  expect(await killAt('killed', '"training-checkpoint","step":20')).toBe('SIGKILL')
  await train('killed')
  expect((await adapter('killed')).equals(await adapter('whole'))).toBe(true)
  expect(await checkpoints('killed')).toEqual(await checkpoints('whole'))
  const losses = async (name: string) =>
    (await readTrainingLog(join(folder, name))).map((row) => [
      row.type,
      row.step,
      'loss' in row && row.loss,
    ])
  expect(await losses('killed')).toEqual(await losses('whole'))
})

test.skipIf(process.platform === 'win32')(
  'a checkpoint that does not fit is an error, and the last whole one is kept (needs ulimit)',
  async () => {
    expect(await killAt('limited', '"training-checkpoint","step":10')).toBe('SIGKILL')
    // Files of at most 60 KiB: the adapter's 36 KiB fit, the optimiser's 72 after it do not.
    const limited = ['-c', 'ulimit -f 60; trap "" XFSZ; exec "$0" "$@"', process.execPath]
    const out = await promisify(execFile)('bash', [...limited, ...argumentsOf('limited')]).then(
      () => 'no error',
      (error: { stdout: string }) => error.stdout,
    )
    expect(out).toContain('"code":"file-write-failed"')
    expect(out).toMatch(/Could not write .*checkpoint-15.*optimizer\.safetensors/)
    const names = await checkpoints('limited')
    expect(names).toEqual(['checkpoint-10', 'checkpoint-5'])
    await train('whole-again')
    await train('limited')
    expect((await adapter('limited')).equals(await adapter('whole-again'))).toBe(true)
  },
)

/**
 * Trains on a disk of 2 MB: when the tenth step is saved, it is filled but for 29 pages, of which a checkpoint's numbers take 27 and all of its files 33.
 * What the training left is listed, the disk is freed, and the training goes on.
 */
const onSmallDisk = `
set -e
mount -t tmpfs -o size=2m tmpfs "$1"
shift
"$@" | while read -r line; do
  case "$line" in *'"training-checkpoint","step":10'*)
    free=$(df --output=avail -B4096 "$DISK" | tail -1)
    dd if=/dev/zero of="$DISK/filler" bs=4096 count=$((free - 29)) status=none ;;
  esac
  echo "$line"
done
echo "left: $(cd "$DISK/out" && ls -dA .c* .t* c* 2>/dev/null | tr '\\n' ' ')"
rm "$DISK/filler"
"$@" > /dev/null
cp "$DISK/out/adapter_model.safetensors" "$COPY"
`
const canMount =
  spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0

test.skipIf(!canMount)(
  'a disk that is full in the middle of a checkpoint costs what came after the last one (needs unshare)',
  async () => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    const copy = join(folder, 'from-disk.safetensors')
    const [program, , ...others] = argumentsOf('', 20)
    const { stdout } = await promisify(execFile)(
      'unshare',
      ['-rm', 'bash', '-c', onSmallDisk, 'bash', disk, process.execPath, program ?? ''].concat(
        join(disk, 'out'),
        others,
      ),
      { env: { ...process.env, DISK: disk, COPY: copy } },
    )
    expect(stdout).toContain('"code":"file-write-failed"')
    expect(stdout).toMatch(/Could not write .*checkpoint-15.*The disk is full: free some space/)
    expect(stdout).toContain('checkpoint-10 is whole: run again, it goes on from there.')
    // Nothing half-written.
    expect(stdout).toContain('left: checkpoint-10 checkpoint-5 \n')
    await train('roomy')
    expect((await readFile(copy)).equals(await adapter('roomy'))).toBe(true)
  },
)
