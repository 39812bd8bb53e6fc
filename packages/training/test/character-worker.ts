import { readFileSync } from 'node:fs'
import { checkCharacterConfig, runCharacterData } from '../src/index.ts'

// A process that makes character data, to be killed: its config is a JSON file.
const loaded = checkCharacterConfig(JSON.parse(readFileSync(process.argv[2] as string, 'utf8')))
for await (const event of runCharacterData({ loaded })) process.send?.(event)
