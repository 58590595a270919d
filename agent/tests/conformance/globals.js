// Module semantics and globals.
const topThis = this;
check("this is undefined at the top level of a module", () => same(topThis, undefined));
check("an undeclared assignment throws", () => throws(ReferenceError, () => { undeclared = 1; }));
check("writing to a frozen object throws", () => throws(TypeError, () => { Object.freeze([]).push(1); }));
check("what tells time or order, or reaches out, is absent", () => deep(["SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry", "fetch", "setTimeout", "require", "process", "performance"].filter((n) => n in globalThis), []));
check("what the documentation promises is present", () => deep(["console", "crypto", "TextEncoder", "TextDecoder", "URL", "URLSearchParams", "atob", "btoa", "structuredClone", "queueMicrotask", "ToolError"].filter((n) => !(n in globalThis)), []));
check("structuredClone keeps cycles and Maps", () => { const a = { m: new Map([[1, 2]]) }; a.a = a; const b = structuredClone(a); same(b.a, b); same(b.m.get(1), 2); same(b === a, false); });
check("atob undoes btoa", () => same(atob(btoa("\u00ff\u0000a")), "\u00ff\u0000a"));
check("a change of searchParams shows in the URL", () => { const u = new URL("https://a.test/?x=1"); u.searchParams.set("x", "2 3"); same(u.href, "https://a.test/?x=2+3"); });
check("randomUUID has version 4", () => same(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), true));
