// JSON.
check("a reviver's undefined removes the key", () => deep(JSON.parse('{"a":1,"b":2}', (k, v) => (k === "a" ? undefined : v)), { b: 2 }));
check("toJSON gets its key", () => same(JSON.stringify({ k: { toJSON: (key) => key } }), '{"k":"k"}'));
check("a lone surrogate is escaped", () => same(JSON.stringify("\uD800"), '"\\ud800"'));
check("a cycle throws a TypeError", () => { const a = {}; a.a = a; throws(TypeError, () => JSON.stringify(a)); });
check("a BigInt throws a TypeError", () => throws(TypeError, () => JSON.stringify(1n)));
check("text after the value is a SyntaxError", () => throws(SyntaxError, () => JSON.parse("1 1")));
check("undefined becomes null in arrays and vanishes from objects", () => same(JSON.stringify({ a: [undefined], b: undefined }), '{"a":[null]}'));
