import type { Event } from '../src/deputy/types'

export function ask(request: { method: string; params?: object }, id?: string): Promise<unknown>
export function follow(after: number, heard: (event: Event) => void, ended: () => void): () => void
