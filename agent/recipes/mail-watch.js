// Tells about mails in a mailbox: each as it comes, or at the times that were said what came since the last one.
export default async function main(ctx) {
  const { connection, folder, from, words, through, to } = ctx.params;
  const wanted = (mail) => {
    const sender = `${mail.from?.name ?? ""} ${mail.from?.address ?? ""}`.toLowerCase();
    const subject = mail.subject.toLowerCase();
    return (!from || sender.includes(from)) && (words.length === 0 || words.some((word) => subject.includes(word)));
  };
  const line = (mail) => `${mail.subject || "(no subject)"}, from ${mail.from?.name ?? mail.from?.address ?? "nobody"}`;
  const tell = async (title, body, once) => {
    if (through === "mail") await tools.mail.send({ connection, to: [to], subject: title, text: body, once });
    else await tools.notify.send({ title, body, once });
  };

  if (ctx.params.together) {
    // Whoever did not say since when wants to know of the last day.
    const seen = (await ctx.state.get("seen")) ?? { at: new Date(Date.now() - 86400000).toISOString(), ids: [] };
    const found = await tools.mail.search({ connection, folder, since: seen.at, limit: 200 });
    const fresh = found.messages.filter((mail) => !seen.ids.includes(mail.id));
    const told = fresh.filter(wanted).reverse();
    const at = found.messages[0]?.received ?? seen.at;
    ctx.state.set("seen", { at, ids: found.messages.filter((mail) => mail.received === at).map((mail) => mail.id) });
    if (told.length === 0) return { told: 0 };
    const title = told.length === 1 ? line(told[0]) : `${told.length} new mails`;
    const more = found.more ? "\n(and older ones, which were too many)" : "";
    await tell(title, told.map((mail) => `- ${line(mail)}`).join("\n") + more, `mails:${ctx.trigger.due_at}`);
    return { told: told.length };
  }

  // Begun by hand there is no mail that came: the latest that counts shows what would be told.
  const came = ctx.input?.id ? [ctx.input] : (await tools.mail.search({ connection, folder, limit: 50 })).messages;
  const mail = came.find(wanted);
  if (!mail) return { told: 0 };
  const { text } = await tools.mail.get({ connection, folder, id: mail.id });
  await tell(line(mail), text.trim().slice(0, 2000), `mail:${mail.id}`);
  return { told: 1 };
}
