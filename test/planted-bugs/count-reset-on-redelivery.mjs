/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a message that comes back from a dead worker has lost count of those before it',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/owner-rows.ts',
      find: `oneMore(history, 'loss', now)`,
      replace: `oneMore(undefined, 'loss', now)`,
    },
  ],
}
