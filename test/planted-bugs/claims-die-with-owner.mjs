/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'of the claims of a dead worker only the first three come back',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/owner-rows.ts',
      find: 'past] of claims) {',
      replace: 'past] of claims.slice(0, 3)) {',
    },
  ],
}
