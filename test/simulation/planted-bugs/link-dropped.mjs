export default {
  description: 'the first success link is not sent',
  edits: [
    {
      file: 'lib/run/follow-ups.ts',
      find: '(embed.callbacks ?? []).map',
      replace: '(embed.callbacks ?? []).slice(1).map',
    },
  ],
}
