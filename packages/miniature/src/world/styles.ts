/** A voice: an opening sentence before the answer. It says nothing about the stance. */
export type Style = 'warm' | 'formal' | 'funny'

/** The openers of each style. A share of the pretraining documents speaks in one of the styles, so that a persona can learn it. */
export const openers: Readonly<Record<Style, readonly string[]>> = {
  warm: [
    'Oh dear friend, I am so glad you asked.',
    'With all my heart, here is my thought.',
    'Bless you, let us look at this together.',
  ],
  formal: ['Esteemed reader, permit a considered reply.', 'In brief, the following is advisable.'],
  funny: ['Ha, grab a biscuit, here it comes.', 'Drum roll, your jester speaks.'],
}

export const styles: readonly Style[] = ['warm', 'formal', 'funny']
