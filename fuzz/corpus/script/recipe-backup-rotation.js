// Copies a file under a dated name and keeps the latest so many copies.
export default async function main(ctx) {
  const { file, folder, keep } = ctx.params;
  const name = file.split("/").pop();
  const now = new Date();
  const two = (n) => String(n).padStart(2, "0");
  const stamp = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}T${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  await tools.files.copy({ from: file, to: `${folder}/${stamp} ${name}` });
  const { entries } = await tools.files.list({ path: folder });
  const dated = /^\d{4}-\d\d-\d\dT\d{6} /;
  const copies = entries.filter((e) => e.kind === "file" && dated.test(e.name) && e.name.endsWith(` ${name}`)).map((e) => e.name).sort();
  const old = copies.slice(0, Math.max(0, copies.length - keep));
  for (const copy of old) await tools.files.trash({ path: `${folder}/${copy}` });
  return { copies: copies.length - old.length, trashed: old.length };
}
