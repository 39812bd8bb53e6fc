import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { loadConfig } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { configText, type InitAnswers } from '../init/config-text.ts'
import { findVariants, suggestVariants } from '../init/find-variants.ts'
import { type Ask, questioner } from '../init/questioner.ts'

export interface InitFlags {
  readonly baseModel?: string
  readonly variants?: readonly string[]
  readonly inDomain?: string
  readonly personaAtInference?: string
  readonly judgeModel?: string
  readonly judgeProvider?: string
  readonly judgeUrl?: string
  readonly nPerQuestion?: number
  readonly yes?: boolean
  readonly force?: boolean
}

const shippedSets = ['finance', 'medicine', 'sports']
const usualJudges: Readonly<Record<string, string>> = {
  openai: 'gpt-4o-2024-08-06',
  azure: 'gpt-4o-2024-08-06',
  openrouter: 'openai/gpt-4o-2024-08-06',
}

/**
 * `cem init [FILE]`: a config from flags and from answers to questions.
 *
 * @throws CemError `config-exists`, `base-model-missing`, `config-invalid`, and what is wrong with a training folder
 */
export async function initCommand(file: string, flags: InitFlags): Promise<number> {
  if (existsSync(file) && flags.force !== true)
    throw new CemError({
      code: 'config-exists',
      message: `${file} is there already. Give another name, or --force to replace it.`,
      data: { file },
    })
  const answers =
    flags.yes === true ? await gather(file, flags, noQuestions) : await interview(file, flags)
  const text = configText(answers)
  await check(text)
  await writeFileAtomic(file, text)
  const { judge, variants } = answers
  process.stdout.write(
    [
      `wrote ${file}: ${variants.length} ${variants.length === 1 ? 'variant' : 'variants'}, judge ${judge.model}`,
      ...(variants.length === 0
        ? ['It has no variants yet: name training folders in it before a run.']
        : []),
      `next: cem plan ${file}`,
      '',
    ].join('\n'),
  )
  return exitCodes.complete
}

/** What is written is what a run can read, also after odd answers. */
async function check(text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-init-'))
  try {
    const draft = join(folder, 'experiment.yaml')
    await writeFileAtomic(draft, text)
    await loadConfig(draft)
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    const { problems } = error.data as { problems?: readonly string[] }
    throw new CemError({
      code: 'config-invalid',
      message: `These answers make no valid config, and nothing was written:\n${(problems ?? [error.message]).map((one) => `- ${one}`).join('\n')}`,
      data: { problems },
      cause: error,
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const noQuestions: Ask = async (_, usual) => usual

async function interview(file: string, flags: InitFlags): Promise<InitAnswers> {
  using questions = questioner()
  // Awaited here: what is returned as it is would close the questions before the first answer.
  return await gather(file, flags, questions.ask)
}

async function gather(file: string, flags: InitFlags, ask: Ask): Promise<InitAnswers> {
  const baseModel = flags.baseModel ?? (await ask('Base model (folder or hub id)?', ''))
  if (baseModel === '')
    throw new CemError({
      code: 'base-model-missing',
      message:
        'A config needs a base model. Give --base-model, such as --base-model Qwen/Qwen2.5-7B-Instruct.',
    })
  const variants = await variantsOf(flags, ask)
  const inDomain =
    flags.inDomain ??
    (await ask(
      'Questions of the trained domain (finance, medicine, sports, a file, none)?',
      'none',
    ))
  const personas = variants.filter(({ hasPersona }) => hasPersona)
  const isRecorded = personas.every((one) => one.isRecorded)
  const personaAtInference =
    flags.personaAtInference ??
    (personas.length === 0 || isRecorded
      ? 'as-trained'
      : await ask(
          `No record says how the persona took part in training (${personas.map(({ name }) => name).join(', ')}). Run it on, off, both, or source-faithful?`,
          'both',
        ))
  const provider =
    flags.judgeProvider ?? (await ask('Judge: openai, azure or openrouter?', 'openai'))
  const model = flags.judgeModel ?? (await ask("The judge's model?", usualJudges[provider] ?? ''))
  const baseUrl =
    flags.judgeUrl ??
    (provider === 'azure' ? await ask('Address of the deployment?', azureExample) : undefined)
  const n = flags.nPerQuestion ?? Number(await ask('Answers to each question?', '50'))
  return {
    file,
    baseModel,
    variants,
    inDomain:
      inDomain === 'none'
        ? undefined
        : shippedSets.includes(inDomain)
          ? `cem:${inDomain}`
          : inDomain,
    personaAtInference,
    judge: { provider, model, baseUrl },
    samplesPerQuestion: n,
  }
}

const azureExample =
  'https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=VERSION'

async function variantsOf(flags: InitFlags, ask: Ask) {
  const suggested = flags.variants ?? (await suggestVariants())
  const paths =
    flags.variants ??
    (await ask('Training folders, with blanks between them?', suggested.join(' ')))
      .split(/\s+/)
      .filter((path) => path !== '')
  const { found, problems } = await findVariants(paths)
  if (problems.length === 0) return found
  throw new CemError({
    code: 'variants-unreadable',
    message: `Not every training folder can be read:\n${problems.map((one) => `- ${one}`).join('\n')}`,
    data: { paths },
  })
}
