// Tells when a number on a page falls below or rises above a limit, once for each crossing.
export default async function main(ctx) {
  const { url, selector, below, above } = ctx.params;
  const page = await tools.web.fetch({ url });
  const text = selector
    ? (await tools.html.select({ html: page.text, selector, limit: 1 })).matches[0]?.text ?? ""
    : (await tools.html.toText({ html: page.text })).text;
  const found = text.match(/(?:[$€£]\s*(\d[\d.,]*))|(?:(\d[\d.,]*)\s*(?:[$€£]|eur|euros?|usd|dollars?|gbp))/i) ?? (selector ? text.match(/()(\d[\d.,]*)/) : null);
  if (!found) throw new Error(`no price was found on ${url}; the page may have changed`);
  const raw = found[1] || found[2];
  // The last separator with two digits behind it is the decimal one.
  const value = Number(raw.replace(/[.,](?=\d{3}(\D|$))/g, "").replace(",", "."));
  const hit = (below !== undefined && value < below) || (above !== undefined && value > above);
  const was = (await ctx.state.get("hit")) ?? false;
  ctx.state.set("hit", hit);
  ctx.state.set("value", value);
  if (hit && !was) {
    await tools.notify.send({ title: `It is ${value} now`, body: url, once: `hit:${ctx.trigger.due_at}` });
  }
  return { value, hit };
}
