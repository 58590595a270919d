/** Light, dark, or as the system has it; kept in this browser. */

import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'deputy-theme'
const listeners = new Set<() => void>()

function kept(): Theme {
  try {
    const theme = localStorage.getItem(KEY)
    return theme === 'light' || theme === 'dark' ? theme : 'system'
  } catch {
    // A browser that keeps nothing for us still shows the page.
    return 'system'
  }
}

let theme = kept()

function show() {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

/** To be called before the first paint. */
export function beginTheme() {
  show()
}

export function setTheme(next: Theme) {
  theme = next
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Then it lasts until the page is closed.
  }
  show()
  for (const listener of listeners) listener()
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => theme,
  )
}
