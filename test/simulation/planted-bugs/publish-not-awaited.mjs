export default {
  description: 'a call resolves before its message is stored',
  edits: [
    {
      file: 'lib/publish/publisher.ts',
      find: 'return await broker.publish(messages)',
      replace: 'return void broker.publish(messages).catch(() => {})',
    },
  ],
}
