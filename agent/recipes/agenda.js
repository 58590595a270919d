// Tells what a calendar has on the day.
export default async function main(ctx) {
  const { account, calendar, through, to } = ctx.params;
  const zone = ctx.automation.timezone;
  const now = new Date().toISOString();
  const { time: from } = await tools.time.startOf({ time: now, zone, unit: "day" });
  const { time: until } = await tools.time.add({ time: from, zone, days: 1 });
  const { events } = await tools.calendar.list({ connection: account, calendar, from, to: until });
  const lines = [];
  for (const event of events) {
    const at = event.all_day
      ? "all day"
      : (await tools.time.format({ time: event.starts_at, zone, format: "%H:%M" })).text;
    lines.push(`${at}  ${event.title}${event.location ? ` (${event.location})` : ""}`);
  }
  const title = events.length
    ? `${calendar}: ${events.length} today`
    : `${calendar}: nothing today`;
  const text = lines.join("\n");
  const once = `agenda:${from}`;
  if (through === "mail") {
    await tools.mail.send({ connection: ctx.params.connection, to: [to], subject: title, text: text || title, once });
  } else {
    await tools.notify.send({ title, body: text, once });
  }
  return { told: events.length };
}
