/** Short news at the edge of the page. Whatever a toast says is also somewhere that stays. */

import { createContext, useContext } from 'react'

export interface Toast {
  id: number
  text: string
  tone: 'calm' | 'bad'
  /** Where it stays. */
  to?: string
}

export type Say = (toast: Omit<Toast, 'id'>) => void

export const ToastContext = createContext<Say>(() => undefined)

export function useSay(): Say {
  return useContext(ToastContext)
}
