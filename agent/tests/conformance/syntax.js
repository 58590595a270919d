// Bindings, destructuring, operators and templates.
check("each turn of a for loop has its own let", () => { const f = []; for (let i = 0; i < 3; i++) f.push(() => i); deep(f.map((g) => g()), [0, 1, 2]); });
check("a let is dead before its line", () => throws(ReferenceError, () => { x; let x = 1; }));
check("a default is for undefined and not for null", () => { const [a = 1, b = 2] = [undefined, null]; deep([a, b], [1, null]); });
check("object rest leaves out what was taken", () => { const { a, ...r } = { a: 1, b: 2 }; deep(r, { b: 2 }); });
check("destructuring null throws", () => throws(TypeError, () => { const { a } = null; }));
check("an optional chain stops as a whole", () => { let n = 0; undefined?.a[n++].b; same(n, 0); });
check("logical assignment assigns only when it must", () => { const o = { get a() { return 1; } }; o.a ||= 2; o.a ??= 2; same(o.a, 1); });
check("a tag gets cooked and raw strings", () => { const t = (s, v) => [s[0], s.raw[0], v]; deep(t`\n${1}`, ["\n", "\\n", 1]); });
check("continue to a label leaves the inner loop", () => { let n = 0; a: for (const x of [1, 2]) for (const y of [1, 2]) { if (y === 1) continue a; n++; } same(n, 0); });
