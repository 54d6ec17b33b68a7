// A project that has `types: []`: Node's types must still come along with the library's own, or parts of them silently become any.
import type { AsyncResult, TaskContext, Umbel } from 'umbel'
import { type Equal, type IsAny, is } from '../equal.ts'

is<Equal<IsAny<TaskContext['signal']>, false>>()
is<Equal<TaskContext['signal'], AbortSignal>>()
is<Equal<IsAny<NonNullable<NonNullable<Parameters<AsyncResult<number>['get']>[0]>['signal']>>, false>>()
is<Equal<IsAny<ReturnType<Umbel['on']>>, false>>()
