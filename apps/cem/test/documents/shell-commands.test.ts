import { expect, test } from 'vitest'
import { cemCommands } from './shell-commands.ts'

test('commands are found behind variables, loops and pipes, without comments', () => {
  const script = `
# cem not-this
KEY=... cem run a.yaml --frozen   # goes on
for s in 1 2; do cem run b.yaml --seed $s --results results-$s; done
cem serve model --adapter a=em:b \\
  c=d
echo "cem no"; cem run x --plain 2>&1 | grep -o 'a b' &
cem run y --shard "$TASK/4" > cem.log
`
  expect(cemCommands(script)).toEqual([
    ['run', 'a.yaml', '--frozen'],
    ['run', 'b.yaml', '--seed', '1', '--results', 'results-1'],
    ['serve', 'model', '--adapter', 'a=em:b', 'c=d'],
    ['run', 'x', '--plain'],
    ['run', 'y', '--shard', '1/4'],
  ])
})
