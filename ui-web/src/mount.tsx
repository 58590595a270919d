/** Puts the page into the document. */

import { StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { beginTheme } from './shell/theme'

export function mount(page: ReactNode) {
  const root = document.getElementById('root')
  if (!root) throw new Error('the document has no root')
  beginTheme()
  createRoot(root).render(<StrictMode>{page}</StrictMode>)
}
