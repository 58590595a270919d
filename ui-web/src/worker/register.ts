/** Lets the browser keep the page, so that it opens while the agent is away. */

/** Browsers that know of it want to be told that an address of code is meant. */
interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL: (url: string) => string }
}

const WORKER = '/worker.js'

export function keepPage(): void {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  const policies = (window as { trustedTypes?: Policies }).trustedTypes
  const policy = policies?.createPolicy('worker', { createScriptURL: () => WORKER })
  // Without one the page works as it is, while the agent is there.
  navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER).catch(() => undefined)
}
