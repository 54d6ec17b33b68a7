/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'of writes gathered into one transaction, one that is refused takes the others with it',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/driver/sqlite/write-queue.ts',
      find: 'if (entries.length > 1) {',
      replace: 'if (entries.length > 1_000) {',
    },
  ],
}
