/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a paused queue is claimed from',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/claim-rows.ts',
      find: 'where id = ? and paused = 0 and',
      replace: 'where id = ? and',
    },
  ],
}
