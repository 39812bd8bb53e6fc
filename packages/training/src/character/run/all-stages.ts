import type { CharacterConfig } from '../config/character-schema.ts'
import { studentStage, teacherStage } from '../stages/answer-stages.ts'
import { expandStage } from '../stages/expand-stage.ts'
import { interactionStage } from '../stages/interaction-stage.ts'
import { pairsStage } from '../stages/pairs-stage.ts'
import { reflectionStage } from '../stages/reflection-stage.ts'
import { sftStage } from '../stages/sft-stage.ts'
import type { CharacterStage, Stage } from '../stages/stage.ts'

/** By name, in the order in which they run. */
export const allStages: Readonly<Record<CharacterStage, Stage>> = {
  expand: expandStage,
  teacher: teacherStage,
  student: studentStage,
  pairs: pairsStage,
  reflection: reflectionStage,
  interaction: interactionStage,
  sft: sftStage,
}

/** All that a config provides for: without an introspector the data end with the pairs. */
export function stagesOf({ speakers }: CharacterConfig): readonly CharacterStage[] {
  const all: readonly CharacterStage[] = ['expand', 'teacher', 'student', 'pairs']
  return speakers.introspector === undefined ? all : [...all, 'reflection', 'interaction', 'sft']
}
