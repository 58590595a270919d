// Tells when a page, or a part of it, changes. The first look only remembers.
export default async function main(ctx) {
  const { url, selector } = ctx.params;
  const page = await tools.web.fetch({ url });
  const text = selector
    ? (await tools.html.select({ html: page.text, selector })).matches.map((match) => match.text).join("\n")
    : (await tools.html.toText({ html: page.text })).text;
  const before = await ctx.state.get("text");
  ctx.state.set("text", text.slice(0, 200000));
  if (before === undefined || before === text) return { changed: false };
  const diff = await tools.text.diff({ before, after: text });
  await tools.notify.send({
    title: `${new URL(url).host} has changed`,
    body: `${url}\n${diff.unified.slice(0, 1500)}`,
    once: `change:${ctx.trigger.due_at}`,
  });
  return { changed: true, added: diff.added, removed: diff.removed };
}
