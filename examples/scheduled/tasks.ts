import { sharedTask } from 'umbel'

export const remind = sharedTask('notes.remind', (text: string) => {
  console.log(`reminder: ${text}`)
})
