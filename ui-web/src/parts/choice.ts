/** What is chosen from, one of it at a time. */

export interface Item<T extends string> {
  id: T
  label: string
}

export interface Choice<T extends string> {
  label: string
  items: readonly Item<T>[]
  value: T
  onChange: (value: T) => void
}
