export default {
  description: 'what was revoked or expired while it was acknowledged early runs all the same',
  edits: [
    {
      file: 'workers/request/work.ts',
      find: `if (still.kind === 'revoked') return`,
      replace: `if (still.kind === 'revoked' && parts === undefined) return`,
    },
  ],
}
