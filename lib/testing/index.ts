/// <reference types="node" preserve="true" />
export { FakeClock } from './fake-clock.ts'
