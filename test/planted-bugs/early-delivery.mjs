/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a message is delivered up to a second before its due time',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/message-rows.ts',
      find: `const { database, now } = transaction
  const due = earliestDue(database)`,
      replace: `const { database } = transaction
  const now = transaction.now + 1_000
  const due = earliestDue(database)`,
    },
  ],
}
