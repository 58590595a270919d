/** Keeps notifications right while the page is open: renewed, taken away, and opened by a tap. */

import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import { useDeputy, useLine, useView } from '../deputy/hooks'
import { onTap, renew, tidy } from './push'

export function Keeping() {
  const deputy = useDeputy()
  const isOpen = useLine().state === 'open'
  const [, go] = useLocation()
  const devices = useView({ ask: 'devices' })
  const needs = useView({ ask: 'needs' })
  const isRenewed = useRef(false)
  useEffect(() => onTap(go), [go])
  useEffect(() => {
    if (!isOpen || !devices.fresh || isRenewed.current) return
    isRenewed.current = true
    const mine = devices.answer?.find((one) => one.id === deputy.device().id)?.push
    // Tried again when the page is opened the next time; Settings shows what is wrong.
    renew(deputy, mine === undefined || mine.is_gone, mine?.quiet).catch(() => undefined)
  }, [deputy, devices, isOpen])
  useEffect(() => {
    if (needs.answer && needs.fresh) {
      tidy(needs.answer.map((need) => need.id)).catch(() => undefined)
    }
  }, [needs])
  return null
}
