/** The names of automations, by id. */

import { useView } from './hooks'

export function useNames(): (id: string | null) => string {
  const { answer } = useView({ ask: 'automations', archived: true })
  return (id) => answer?.find((one) => one.id === id)?.name ?? id ?? ''
}
