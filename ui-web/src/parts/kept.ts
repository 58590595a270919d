/** Keeps showing the last answer while one with a greater limit is on its way. */

import { useState } from 'react'
import type { ViewState } from '../deputy/deputy'

export function useKept<T>(view: ViewState<T>, key: string): ViewState<T> {
  const [kept, setKept] = useState({ view, key })
  const isNews = view.answer !== null || view.trouble !== null || kept.key !== key
  if (isNews && (kept.view !== view || kept.key !== key)) setKept({ view, key })
  return isNews ? view : kept.view
}
