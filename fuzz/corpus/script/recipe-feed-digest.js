// Sends what is new in some feeds, all in one mail or notification.
export default async function main(ctx) {
  const { urls, through, to } = ctx.params;
  const seen = (await ctx.state.get("seen")) ?? {};
  const next = {};
  const parts = [];
  for (const url of urls) {
    const feed = await tools.feeds.read({ url });
    const known = new Set(seen[url] ?? []);
    const fresh = feed.items.filter((item) => !known.has(item.id)).slice(0, 30);
    next[url] = feed.items.map((item) => item.id);
    if (fresh.length) parts.push(`${feed.title}\n${fresh.map((item) => `- ${item.title}\n  ${item.link ?? ""}`).join("\n")}`);
  }
  ctx.state.set("seen", next);
  if (parts.length === 0) return { sent: false };
  const text = parts.join("\n\n");
  const title = `Digest: ${parts.length} of ${urls.length} feeds have news`;
  if (through === "mail") {
    await tools.mail.send({ connection: ctx.params.connection, to: [to], subject: title, text, once: `digest:${ctx.trigger.due_at}` });
  } else {
    await tools.notify.send({ title, body: text, once: `digest:${ctx.trigger.due_at}` });
  }
  return { sent: true, feeds: parts.length };
}
