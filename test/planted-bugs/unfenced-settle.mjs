/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description:
    'a settlement goes by the message and not by the token: who lost a message settles it for who has it now',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/settle-rows.ts',
      find: 'const valid = validTokens(transaction, batch)',
      replace: `const current = ({ claim }) =>
    Number(transaction.database.statement('select token from claims where message = ?').all([claim.key])[0]?.[0] ?? -1)
  batch = batch.map(({ settlement, follow }) => ({
    settlement: { ...settlement, claim: { ...settlement.claim, token: current(settlement) } },
    follow,
  }))
  const valid = validTokens(transaction, batch)`,
    },
  ],
}
