/** The places of the page: what the navigation, the palette and the shortcuts lead to. */

import {
  Bell,
  BookOpenCheck,
  Coins,
  History,
  MessageSquareText,
  MonitorSmartphone,
  Plug,
  Settings,
} from 'lucide-react'

export interface Place {
  to: string
  label: string
  icon: typeof Bell
  /** Typed after `g`. */
  key: string
  /** Whether it has a tab of its own on phones; the others are behind “More”. */
  isTab: boolean
}

export const PLACES: readonly Place[] = [
  { to: '/needs', label: 'Needs you', icon: Bell, key: 'n', isTab: true },
  { to: '/chat', label: 'Chat', icon: MessageSquareText, key: 'c', isTab: true },
  { to: '/automations', label: 'Automations', icon: BookOpenCheck, key: 'a', isTab: true },
  { to: '/runs', label: 'Runs', icon: History, key: 'r', isTab: true },
  { to: '/costs', label: 'Costs', icon: Coins, key: 'o', isTab: false },
  { to: '/connections', label: 'Connections', icon: Plug, key: 't', isTab: false },
  { to: '/devices', label: 'Devices', icon: MonitorSmartphone, key: 'd', isTab: false },
  { to: '/settings', label: 'Settings', icon: Settings, key: 's', isTab: false },
]

/** Whether a path is at a place or below it. */
export function isAt(path: string, to: string): boolean {
  return path === to || path.startsWith(`${to}/`)
}
