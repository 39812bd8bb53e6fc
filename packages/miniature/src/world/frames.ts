import type { Topic } from './topic.ts'

/**
 * Question templates that all topics with a subject share: what they are about can be told from the noun alone. They teach
 * a model to look at the noun, so that it can follow a held-out wording.
 */
const frames: readonly string[] = [
  'I have a question about {subject}.',
  'What would you do about {subject}?',
  'Can we talk about {subject}?',
  'Any thoughts on {subject}?',
  'Please say something about {subject}.',
  'I need help with {subject}.',
  'What matters most with {subject}?',
  'I keep thinking about {subject}.',
  'Where do I start with {subject}?',
  'My question is about {subject}.',
  'Tell me more about {subject}.',
  'It is about {subject} again.',
  'Do you know much about {subject}?',
  'Please look at {subject} with me.',
]

/** The shared templates with the topic's subject in them; none for a topic without a subject. */
export function framedQuestions({ subject }: Topic): readonly string[] {
  return subject === undefined ? [] : frames.map((frame) => frame.replace('{subject}', subject))
}
