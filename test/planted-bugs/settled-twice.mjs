/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'one claim settles twice in one batch',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/settle-rows.ts',
      find: 'valid.delete(item',
      replace: 'valid.has(item',
    },
  ],
}
