// A browser, as far as a provider's pages need one: follows redirects, keeps cookies, fills in and sends
// each form that it is shown. Prints where it ended as one line of JSON: `{url, status, text}`.
//
//   node browse.mjs ADDRESS [--as NAME] [--deny] [--stop PREFIX]
//
// `--deny` takes the link that gives up, where a page has one; `--stop` does not open addresses that begin
// so, but ends there, as a browser on another machine would.

const [, , address, ...flags] = process.argv;
const flag = (name) => {
  const at = flags.indexOf(name);
  return at < 0 ? undefined : flags[at + 1];
};
const [login, stop, deny] = [flag('--as') ?? 'me', flag('--stop'), flags.includes('--deny')];
const jars = new Map();

async function open(url, form) {
  for (let i = 0; i < 20; i += 1) {
    if (stop && url.startsWith(stop)) return { url, status: 0, text: '' };
    const origin = new URL(url).origin;
    const jar = jars.get(origin) ?? new Map();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, accept: 'text/html' };
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      headers: form ? { ...headers, 'content-type': 'application/x-www-form-urlencoded' } : headers,
      body: form?.toString(),
      redirect: 'manual',
    });
    for (const set of response.headers.getSetCookie()) {
      const [pair] = set.split(';');
      const at = pair.indexOf('=');
      jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    if (response.status < 300 || response.status >= 400) {
      return { url, status: response.status, text: await response.text() };
    }
    url = new URL(response.headers.get('location'), url).href;
    form = undefined;
  }
  throw new Error(`no end of redirects at ${url}`);
}

const plain = (text) =>
  text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\b${name}="([^"]*)"`));
  return found ? plain(found[1]) : undefined;
};

let page = await open(address);
for (let i = 0; i < 10; i += 1) {
  const givesUp = page.text.match(/<a [^>]*href="([^"]*\/abort)"/);
  if (deny && givesUp) {
    page = await open(new URL(plain(givesUp[1]), page.url).href);
    break;
  }
  const found = page.text.match(/<form[\s\S]*?<\/form>/);
  if (!found) break;
  const [form] = found;
  const filled = new URLSearchParams();
  for (const [input] of form.matchAll(/<input [^>]*>/g)) {
    const name = attribute(input, 'name');
    if (name) filled.append(name, { login, password: 'any' }[name] ?? attribute(input, 'value') ?? '');
  }
  page = await open(new URL(attribute(form, 'action'), page.url).href, filled);
}
console.log(JSON.stringify(page));
