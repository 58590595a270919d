/** Buttons and links that look like them. */

import type { ComponentType, ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps } from 'react-aria-components/Button'
import { Link } from 'wouter'

export type Weight = 'main' | 'plain' | 'quiet' | 'no'

interface Look {
  weight?: Weight
  icon?: ComponentType<{ size?: number; 'aria-hidden'?: boolean }>
  isSmall?: boolean
  children?: ReactNode
}

const look = ({ weight = 'plain', isSmall = false, children }: Look) =>
  `button button-${weight}${isSmall ? ' button-small' : ''}${children === undefined ? ' button-icon' : ''}`

export function Button({
  weight,
  icon: Icon,
  isSmall,
  children,
  ...rest
}: Look & Omit<ButtonProps, 'children' | 'className'>) {
  return (
    <AriaButton {...rest} className={look({ weight, isSmall, children })}>
      {Icon && <Icon size={isSmall ? 15 : 17} aria-hidden />}
      {children}
    </AriaButton>
  )
}

export function ButtonLink({ weight, icon: Icon, isSmall, children, to }: Look & { to: string }) {
  return (
    <Link to={to} className={look({ weight, isSmall, children })}>
      {Icon && <Icon size={isSmall ? 15 : 17} aria-hidden />}
      {children}
    </Link>
  )
}
