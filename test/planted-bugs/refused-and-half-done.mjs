/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a write that is refused keeps what it had already done',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/driver/sqlite/write-queue.ts',
      find: `undo(database)
`,
      replace: `database.exec(\`commit\`)
`,
    },
  ],
}
