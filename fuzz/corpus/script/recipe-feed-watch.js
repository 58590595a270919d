// Tells about items of a feed, or only those that mention one of some words.
export default async function main(ctx) {
  const { url, keywords, through, to } = ctx.params;
  const feed = await tools.feeds.read({ url });
  const words = (keywords ?? []).map((word) => word.toLowerCase());
  const mentions = (item) => {
    const text = `${item.title} ${item.summary}`.toLowerCase();
    return words.length === 0 || words.some((word) => text.includes(word));
  };
  // Remembered besides `once`, so that an item whose title is edited later stays handled.
  const seen = new Set((await ctx.state.get("seen")) ?? []);
  const fresh = feed.items.filter((item) => mentions(item) && !seen.has(item.id)).slice(0, 10);
  for (const item of fresh.reverse()) {
    if (through === "mail") {
      await tools.mail.send({
        connection: ctx.params.connection, to: [to], subject: item.title,
        text: `${item.link ?? ""}\n\n${item.summary}`, once: item.id,
      });
    } else {
      await tools.notify.send({ title: item.title, body: item.link ?? "", once: item.id });
    }
  }
  const present = feed.items.map((item) => item.id);
  ctx.state.set("seen", [...new Set([...fresh.map((item) => item.id), ...seen].filter((id) => present.includes(id)))]);
  return { items: feed.items.length, told: fresh.length };
}
