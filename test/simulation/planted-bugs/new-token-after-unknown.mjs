export default {
  description: 'a settlement whose outcome is unknown is asked again under another token',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: `        this.#report(error)
`,
      replace: `        this.#report(error)
        if (error instanceof OutcomeUnknown) batch = { ...batch, entries: batch.entries.map((entry) => (isClaimed(entry) ? { ...entry, settlement: { ...entry.settlement, claim: { ...entry.settlement.claim, token: entry.settlement.claim.token + 1 } } } : entry)) }
`,
    },
  ],
}
