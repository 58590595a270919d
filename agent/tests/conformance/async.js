// Promises, async functions and generators.
check("all keeps the order of its input", async () => deep(await Promise.all([new Promise((r) => queueMicrotask(() => r(1))), 2]), [1, 2]));
check("allSettled tells both ends", async () => deep(await Promise.allSettled([1, Promise.reject(2)]), [{ status: "fulfilled", value: 1 }, { status: "rejected", reason: 2 }]));
check("any rejects with an AggregateError", async () => { const e = await Promise.any([Promise.reject(1)]).catch((x) => x); same(e instanceof AggregateError, true); deep(e.errors, [1]); });
check("race takes the first that settles", async () => same(await Promise.race([new Promise(() => {}), 3]), 3));
check("jobs run in the order in which they were queued", async () => { const o = []; const p = Promise.resolve(); p.then(() => o.push(1)).then(() => o.push(3)); p.then(() => o.push(2)); o.push(0); await p; await p; await p; deep(o, [0, 1, 2, 3]); });
check("for await waits for promises of a plain iterable", async () => { const o = []; for await (const x of [Promise.resolve(1), 2]) o.push(x); deep(o, [1, 2]); });
check("break in for await closes the async generator", async () => { let closed = false; async function* g() { try { yield 1; yield 2; } finally { closed = true; } } for await (const x of g()) break; same(closed, true); });
check("yield* gives what the inner generator returns", () => { let r; function* i() { yield 1; return 2; } function* g() { r = yield* i(); } deep([...g()], [1]); same(r, 2); });
check("return runs finally", () => { const o = []; function* g() { try { yield 1; } finally { o.push("f"); } } const i = g(); i.next(); deep(i.return(5), { value: 5, done: true }); deep(o, ["f"]); });
