// Tells when a site stops answering, and when it answers again.
export default async function main(ctx) {
  const { url } = ctx.params;
  let problem = null;
  try {
    const page = await tools.web.fetch({ url, timeout_ms: 20000, allow_status: [401, 403, 404] });
    if (page.status === 404) problem = "it answers 404";
  } catch (error) {
    problem = error.message;
  }
  const failures = problem ? ((await ctx.state.get("failures")) ?? 0) + 1 : 0;
  const down = (await ctx.state.get("down")) ?? false;
  ctx.state.set("failures", failures);
  // Two looks in a row, so that a hiccup is not news.
  if (!down && failures >= 2) {
    ctx.state.set("down", true);
    await tools.notify.send({ title: `${new URL(url).host} is down`, body: problem, once: `down:${ctx.trigger.due_at}` });
  } else if (down && !problem) {
    ctx.state.set("down", false);
    await tools.notify.send({ title: `${new URL(url).host} is up again`, body: url, once: `up:${ctx.trigger.due_at}` });
  }
  return { up: !problem, problem };
}
