/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a claim is written in one act and taken off its queue in a later one: two workers get one message',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/claim-rows.ts',
      find: 'database.statement(deleteClaimed).run([queue, priority!, position!])',
      replace: 'setImmediate(() => database.statement(deleteClaimed).run([queue, priority!, position!]))',
    },
  ],
}
