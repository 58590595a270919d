// Numbers, collections, arrays, proxies and errors.
check("BigInt and Number do not mix", () => throws(TypeError, () => 1n + 1));
check("asUintN wraps", () => same(BigInt.asUintN(8, 257n), 1n));
check("Map takes NaN as one key and -0 as 0", () => { const m = new Map([[NaN, 1], [-0, 2]]); same(m.get(NaN), 1); same([...m.keys()][1], 0); });
check("sort is stable", () => deep([[1, "a"], [0, "b"], [1, "c"], [0, "d"]].sort((a, b) => a[0] - b[0]).map((x) => x[1]), ["b", "d", "a", "c"]));
check("forEach passes over holes", () => { let n = 0; [1, , 3].forEach(() => n++); same(n, 2); });
check("toSorted leaves the array alone", () => { const a = [2, 1]; deep(a.toSorted(), [1, 2]); deep(a, [2, 1]); });
check("findLast looks from the end", () => same([1, 2, 3, 4].findLast((x) => x % 2), 3));
check("a DataView reads big-endian by default", () => same(new DataView(new Uint8Array([1, 2]).buffer).getUint16(0), 258));
check("Uint8ClampedArray rounds half to even", () => deep([...new Uint8ClampedArray([300, -1, 0.5, 1.5])], [255, 0, 0, 2]));
check("a proxy may not lie about a frozen property", () => throws(TypeError, () => new Proxy(Object.freeze({ a: 1 }), { get: () => 2 }).a));
check("ownKeys gives indices, then strings, then symbols", () => { const s = Symbol(); same(Reflect.ownKeys({ b: 1, [s]: 1, 1: 1, a: 1 }).map(String).join(), "1,b,a,Symbol()"); });
check("an error keeps its cause", () => same(new Error("a", { cause: 5 }).cause, 5));
