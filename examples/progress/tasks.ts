import { sharedTask, type TaskContext } from 'umbel'

/** Copies chapters, one at each signal of the caller's pace, and says how far it is. */
export const copyBook = sharedTask(
  { name: 'library.copy', bind: true },
  async (task: TaskContext, chapters: string[]) => {
    await task.updateState('OPENING', { chapters: chapters.length })
    let letters = 0
    for (const [index, chapter] of chapters.entries()) {
      letters += chapter.length
      await task.progress(index + 1, chapters.length)
    }
    return letters
  },
)
