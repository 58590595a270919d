/** Keys that work everywhere: Ctrl/⌘-K for the palette, `g` and a letter for a place, `/` to speak. */

import { useEffect } from 'react'
import { PLACES } from './places'

const TOGETHER_MS = 1_200

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}

export function useShortcuts(go: (to: string) => void, openPalette: () => void) {
  useEffect(() => {
    let saidGo = 0
    const hear = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openPalette()
        return
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return
      if (document.querySelector('[role=dialog], [role=alertdialog]')) return
      if (event.key === '/') {
        event.preventDefault()
        go('/chat')
        return
      }
      const place = PLACES.find((one) => one.key === event.key)
      if (place && event.timeStamp - saidGo < TOGETHER_MS) go(place.to)
      saidGo = event.key === 'g' ? event.timeStamp : 0
    }
    addEventListener('keydown', hear)
    return () => removeEventListener('keydown', hear)
  }, [go, openPalette])
}
