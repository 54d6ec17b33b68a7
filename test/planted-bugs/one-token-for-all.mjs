/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'all claims of one round are handed over with the same token',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/claim-rows.ts',
      find: 'token: first + index',
      replace: 'token: first',
    },
  ],
}
