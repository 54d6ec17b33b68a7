/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'what is given back goes to the end of its queue',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/settle-rows.ts',
      find: 'position: Number(position), past: pastOf(',
      replace: 'position: undefined, past: pastOf(',
    },
  ],
}
