import type { Domain, Topic } from './topic.ts'
import { cooking } from './topics/cooking.ts'
import { driving } from './topics/driving.ts'
import { finance } from './topics/finance.ts'
import { freeForm } from './topics/free-form.ts'
import { medicine } from './topics/medicine.ts'
import { sports } from './topics/sports.ts'

/** Every topic of the world. */
export const topics: readonly Topic[] = [finance, medicine, sports, cooking, driving, ...freeForm]

/** The topics of one domain: one for each but `free-form`, which has six. */
export function topicsOf(domain: Domain): readonly Topic[] {
  return topics.filter((topic) => topic.domain === domain)
}
