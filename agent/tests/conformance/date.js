// Date in Europe/Berlin.
check("a time in the DST gap moves on by the gap", () => same(new Date(2026, 2, 29, 2, 30).toISOString(), "2026-03-29T01:30:00.000Z"));
check("a time in the DST fold is the first of the two", () => same(new Date(2026, 9, 25, 2, 30).toISOString(), "2026-10-25T00:30:00.000Z"));
check("a date alone is UTC", () => same(Date.parse("2026-07-01"), Date.UTC(2026, 6, 1)));
check("a date and time without a zone is local", () => same(Date.parse("2026-07-01T00:00"), Date.UTC(2026, 5, 30, 22)));
check("an invalid date throws in toISOString", () => throws(RangeError, () => new Date(NaN).toISOString()));
check("an invalid date is null in JSON", () => same(JSON.stringify(new Date(NaN)), "null"));
check("setters carry over", () => { const d = new Date(2026, 0, 31); d.setMonth(1); same(d.getMonth(), 2); same(d.getDate(), 3); });
check("setHours across DST keeps the local hour", () => { const d = new Date(2026, 2, 28, 12); d.setDate(29); same(d.getHours(), 12); });
