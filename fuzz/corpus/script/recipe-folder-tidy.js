// Moves the files of a folder into subfolders by their kind.
const KINDS = {
  Images: ["jpg", "jpeg", "png", "gif", "webp", "svg", "heic"],
  Documents: ["pdf", "doc", "docx", "odt", "txt", "md", "xls", "xlsx", "ods", "csv", "ppt", "pptx"],
  Archives: ["zip", "tar", "gz", "bz2", "xz", "7z", "rar"],
  Audio: ["mp3", "flac", "wav", "ogg", "m4a"],
  Video: ["mp4", "mkv", "mov", "webm", "avi"],
  Installers: ["deb", "rpm", "dmg", "exe", "msi", "appimage"],
};
const HOUR = 3600000;

export default async function main(ctx) {
  const { folder } = ctx.params;
  const { entries } = await tools.files.list({ path: folder });
  let moved = 0;
  for (const entry of entries) {
    if (entry.kind !== "file" || entry.name.startsWith(".")) continue;
    // A file that was touched just now may still be written.
    if (Date.now() - Date.parse(entry.modified) < HOUR) continue;
    const ending = entry.name.includes(".") ? entry.name.split(".").pop().toLowerCase() : "";
    const kind = Object.keys(KINDS).find((name) => KINDS[name].includes(ending));
    if (!kind) continue;
    await tools.files.move({ from: `${folder}/${entry.name}`, to: `${folder}/${kind}/${entry.name}` });
    moved += 1;
  }
  return { moved };
}
