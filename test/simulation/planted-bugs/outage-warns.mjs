export default {
  description: 'each batch that waits for the end of an outage adds a listener, and Node warns of the eleventh',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: 'setMaxListeners(0,',
      replace: 'setMaxListeners(10,',
    },
  ],
}
