// Says a text at its time.
export default async function main(ctx) {
  await tools.notify.send({ title: ctx.params.text, body: "", once: ctx.trigger.due_at });
  return { reminded: ctx.params.text };
}
