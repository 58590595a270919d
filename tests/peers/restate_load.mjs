// Asks the Restate service over HTTP and prints one line of JSON.
const [oneAtATime, atOnce] = process.argv.slice(2).map(Number);
const ask = async (workflow) => {
  const answer = await fetch(`http://127.0.0.1:8080/peer/${workflow}`, { method: "POST" });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
};
const medianMs = async (workflow) => {
  const spans = [];
  for (let i = 0; i < oneAtATime; i++) {
    const began = performance.now();
    await ask(workflow);
    spans.push(performance.now() - began);
  }
  return spans.sort((a, b) => a - b)[spans.length >> 1];
};
const perSecond = async (workflow, rounds) => {
  const began = performance.now();
  for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: atOnce }, () => ask(workflow)));
  return (atOnce * rounds * 1000) / (performance.now() - began);
};
for (let i = 0; i < 5; i++) await ask("ten");
console.log(JSON.stringify({
  ten_ms: await medianMs("ten"),
  empty_ms: await medianMs("empty"),
  steps_per_s: 10 * (await perSecond("ten", 8)),
  empty_per_s: await perSecond("empty", 16),
}));
