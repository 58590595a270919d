// RegExp and String.
check("named groups", () => same(/(?<y>\d+)-(?<m>\d+)/.exec("2026-03").groups.m, "03"));
check("lookbehind", () => same("a1 b2".match(/(?<=b)\d/)[0], "2"));
check("sticky matches at lastIndex only", () => { const r = /a/y; r.lastIndex = 1; same(r.test("ba"), true); r.lastIndex = 0; same(r.test("ba"), false); });
check("the unicode flag reads code points", () => { same(/^.$/u.test("😀"), true); same(/^.$/.test("😀"), false); });
check("matchAll wants the global flag", () => throws(TypeError, () => "a".matchAll(/a/)));
check("a replace function gets match, groups, offset and text", () => same("xay".replace(/(a)/, (...a) => a.join()), "xa,a,1,xayy"));
check("normalize composes", () => same("e\u0301".normalize("NFC"), "\u00e9"));
check("at counts from the end", () => same("abc".at(-1), "c"));
