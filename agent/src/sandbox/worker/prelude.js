// The script API, made of the host's functions. Evaluated once in each fresh runtime, before the
// script; `host` is reachable from here only. Everything handed to the script is frozen.
// The binding is live: once used, there is nothing left here to import.
export let prelude = function (host, toolNames) {
  prelude = undefined;
  const { call, step, now, random, randomBytes, log, done, failed } = host;
  const NativeDate = Date;
  const NativeJSON = { parse: JSON.parse, stringify: JSON.stringify };
  const NativeMap = Map;
  const { get, set, delete: remove, has } = Map.prototype;
  const { apply } = Reflect;
  // What the host relies on is taken here, before a script can replace it.
  const mapGet = (map, key) => apply(get, map, [key]);
  const mapSet = (map, key, value) => apply(set, map, [key, value]);
  const mapDelete = (map, key) => apply(remove, map, [key]);
  const mapHas = (map, key) => apply(has, map, [key]);
  const NativePromise = Promise;
  const then = Promise.prototype.then;
  const isPromise = host.isPromise;
  const define = Object.defineProperty;
  const freeze = Object.freeze;
  const U8 = Uint8Array;
  const NativeBuffer = ArrayBuffer;
  const isView = ArrayBuffer.isView;
  const String_ = String;

  // Would hand out the prelude's own functions, as frames of a stack.
  delete Error.prepareStackTrace;

  for (const name of ["SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry", "performance"]) {
    delete globalThis[name];
  }

  function global(name, value) {
    define(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }

  // ToolError --------------------------------------------------------------------------------
  class ToolError extends Error {
    constructor(fields) {
      super(fields.message);
      define(this, "name", { value: "ToolError", configurable: true });
      for (const key of ["class", "code", "tool", "retryable", "retry_after_ms", "status"]) {
        if (fields[key] !== undefined) define(this, key, { value: fields[key], enumerable: true });
      }
    }
  }
  // The errors that came from the host, and the calls they belong to (0: a pure one).
  const callOfError = new NativeMap();
  function toolError(fields, id) {
    const error = new ToolError(fields);
    mapSet(callOfError, error, id);
    return error;
  }
  global("ToolError", ToolError);

  // Bytes travel as {"$bytes": base64} -----------------------------------------------------
  function replacer(key, value) {
    if (isView(value)) return { $bytes: host.toBase64(new U8(value.buffer, value.byteOffset, value.byteLength)) };
    if (value instanceof NativeBuffer) return { $bytes: host.toBase64(new U8(value)) };
    if (typeof value === "bigint") throw new TypeError("a BigInt cannot be handed to a tool; use a string");
    return value;
  }
  function reviver(key, value) {
    if (value !== null && typeof value === "object" && typeof value.$bytes === "string" && Object.keys(value).length === 1) {
      return host.fromBase64(value.$bytes);
    }
    return value;
  }
  const encode = (value) => NativeJSON.stringify(value, replacer);
  const decode = (text) => (text.includes('"$bytes"') ? NativeJSON.parse(text, reviver) : NativeJSON.parse(text));

  // A copy without a prototype, whose keys are its own.
  const bare = (object) => ({ __proto__: null, ...object });

  // Calls to the host ------------------------------------------------------------------------
  const waiting = new NativeMap();
  function hostCall(tool, args) {
    const text = encode(args === undefined ? {} : args);
    if (text === undefined || text[0] !== "{") throw new TypeError(`${tool} takes an object`);
    const id = call(tool, text);
    return new NativePromise((resolve, reject) => {
      mapSet(waiting, id, { resolve, reject });
    });
  }
  function settle(id, ok, text) {
    const promise = mapGet(waiting, id);
    if (promise === undefined) return false;
    mapDelete(waiting, id);
    if (ok) promise.resolve(decode(text));
    else promise.reject(toolError(NativeJSON.parse(text), id));
    return true;
  }
  function pureCall(tool, args) {
    step();
    const answer = NativeJSON.parse(host.pure(tool, encode(args === undefined ? {} : args) ?? "null"));
    if (answer.error !== undefined) throw toolError(answer.error, 0);
    return decode(answer.ok);
  }

  function makeTools(names, pureNames) {
    const tools = Object.create(null);
    const add = (name, run) => {
      const dot = name.lastIndexOf(".");
      let space = tools;
      for (const part of name.slice(0, dot).split(".")) space = space[part] ??= Object.create(null);
      space[name.slice(dot + 1)] = freeze(run);
    };
    for (const name of names) add(name, (args) => hostCall(name, args));
    for (const name of pureNames) add(name, async (args) => pureCall(name, args));
    const close = (space) => {
      for (const key of Object.keys(space)) if (typeof space[key] === "object") close(space[key]);
      return freeze(space);
    };
    return close(tools);
  }

  // Time -------------------------------------------------------------------------------------
  const MIN = 60000;
  const utc = NativeDate.prototype;
  const time = (d) => apply(utc.getTime, d, []);
  const local = (d) => new NativeDate(time(d) + host.offsetAt(time(d)) * MIN);
  const HAS_ZONE = /(z|[+-]\d\d:?\d\d|gmt|utc|[ecmp][sd]t)\s*(\(.*\))?$/i;
  const DATE_ONLY = /^[+-]?\d{4,6}(-\d\d(-\d\d)?)?$/;
  // Text without a zone is never given to the engine as it is: it would ask the machine for its own.
  function parse(raw) {
    const text = raw.trim();
    if (HAS_ZONE.test(text) || DATE_ONLY.test(text)) return NativeDate.parse(text);
    let ms = NativeDate.parse(`${text}Z`);
    if (ms !== ms) ms = NativeDate.parse(`${text} GMT`);
    return ms === ms ? host.localToUtc(ms) : NaN;
  }
  function fromParts(parts) {
    const ms = apply(NativeDate.UTC, NativeDate, parts);
    return ms === ms ? host.localToUtc(ms) : NaN;
  }
  const isObject = (v) => v !== null && (typeof v === "object" || typeof v === "function");
  function primitiveOf(value) {
    if (!isObject(value)) return value;
    const exotic = value[Symbol.toPrimitive];
    if (exotic !== undefined && exotic !== null) {
      const primitive = apply(exotic, value, ["default"]);
      if (!isObject(primitive)) return primitive;
    } else {
      for (const name of ["valueOf", "toString"]) {
        const method = value[name];
        if (typeof method !== "function") continue;
        const primitive = apply(method, value, []);
        if (!isObject(primitive)) return primitive;
      }
    }
    throw new TypeError("this object is not a date and has no primitive value");
  }
  function DeputyDate(...args) {
    if (new.target === undefined) return new DeputyDate().toString();
    let ms;
    if (args.length === 0) ms = now();
    else if (args.length === 1) {
      const value = args[0] instanceof NativeDate ? time(args[0]) : args[0];
      const primitive = primitiveOf(value);
      ms = typeof primitive === "string" ? parse(primitive) : Number(primitive);
    } else ms = fromParts(args);
    return Reflect.construct(NativeDate, [ms], new.target);
  }
  define(DeputyDate, "prototype", { value: utc, writable: false });
  define(DeputyDate, "name", { value: "Date" });
  define(DeputyDate, "length", { value: 7 });
  define(utc, "constructor", { value: DeputyDate, writable: true, configurable: true });
  const statics = { now() { return now(); }, parse(text) { return parse(String_(text)); } };
  for (const [name, value] of [["now", statics.now], ["parse", statics.parse], ["UTC", NativeDate.UTC]]) {
    define(DeputyDate, name, { value, writable: true, configurable: true });
  }
  const method = (name, value) => define(utc, name, { value, writable: true, configurable: true });
  const valid = (d) => time(d) === time(d);
  for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"]) {
    const getUTC = utc[`getUTC${part}`], setUTC = utc[`setUTC${part}`];
    method(`get${part}`, { [`get${part}`]() { return valid(this) ? apply(getUTC, local(this), []) : NaN; } }[`get${part}`]);
    if (setUTC === undefined) continue;
    const set = { [`set${part}`](...args) {
      const shifted = valid(this) ? local(this) : new NativeDate(part === "FullYear" ? 0 : NaN);
      const ms = apply(setUTC, shifted, args);
      return apply(utc.setTime, this, [ms === ms ? host.localToUtc(ms) : NaN]);
    } }[`set${part}`];
    define(set, "length", { value: setUTC.length, configurable: true });
    method(`set${part}`, set);
  }
  method("getYear", function getYear() { return this.getFullYear() - 1900; });
  method("getTimezoneOffset", function getTimezoneOffset() { return valid(this) ? -host.offsetAt(time(this)) : NaN; });
  const two = (n) => String_(n).padStart(2, "0");
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const year = (y) => (y < 0 ? "-" : "") + String_(Math.abs(y)).padStart(4, "0");
  const dateText = (d) => `${DAYS[d.getDay()]} ${MONTHS[d.getMonth()]} ${two(d.getDate())} ${year(d.getFullYear())}`;
  const clockText = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const offsetText = (d) => {
    const offset = host.offsetAt(time(d)), abs = Math.abs(Math.trunc(offset));
    return `GMT${offset < 0 ? "-" : "+"}${two(Math.trunc(abs / 60))}${two(abs % 60)} (${host.zoneName(time(d))})`;
  };
  const text = (name, make) => method(name, { [name]() { return valid(this) ? make(this) : "Invalid Date"; } }[name]);
  text("toString", (d) => `${dateText(d)} ${clockText(d)} ${offsetText(d)}`);
  text("toDateString", dateText);
  text("toTimeString", (d) => `${clockText(d)} ${offsetText(d)}`);
  // Without locale data the locale forms are ISO-like, whatever the arguments.
  const isoDate = (d) => `${year(d.getFullYear())}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  text("toLocaleString", (d) => `${isoDate(d)} ${clockText(d)}`);
  text("toLocaleDateString", isoDate);
  text("toLocaleTimeString", clockText);
  global("Date", DeputyDate);

  // Randomness -------------------------------------------------------------------------------
  define(Math, "random", { value: function random_() { return random(); }, writable: true, configurable: true });
  global("crypto", freeze({
    getRandomValues(view) {
      if (!isView(view) || view instanceof Float32Array || view instanceof Float64Array || view instanceof DataView) throw new TypeError("an integer typed array is wanted");
      new U8(view.buffer, view.byteOffset, view.byteLength).set(randomBytes(view.byteLength));
      return view;
    },
    randomUUID() {
      const b = randomBytes(16);
      b[6] = (b[6] & 15) | 64;
      b[8] = (b[8] & 63) | 128;
      const h = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
    },
  }));

  // Text -------------------------------------------------------------------------------------
  const bytesOf = (v) => v === undefined ? new U8(0) : v instanceof ArrayBuffer ? new U8(v) : new U8(v.buffer, v.byteOffset, v.byteLength);
  global("TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(value = "") { return host.utf8(String_(value)); }
  });
  global("TextDecoder", class TextDecoder {
    #fatal;
    constructor(label = "utf-8", options = {}) {
      if (!/^utf-?8$/i.test(label)) throw new RangeError("only utf-8 is known here");
      this.#fatal = Boolean(options.fatal);
    }
    get encoding() { return "utf-8"; }
    get fatal() { return this.#fatal; }
    decode(bytes) { return host.fromUtf8(bytesOf(bytes), this.#fatal); }
  });
  global("btoa", function btoa(value) {
    const s = String_(value), b = new U8(s.length);
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c > 255) throw new RangeError("btoa takes characters up to U+00FF");
      b[i] = c;
    }
    return host.toBase64(b);
  });
  global("atob", function atob(value) {
    let s = "";
    for (const b of host.fromBase64(String_(value))) s += String.fromCharCode(b);
    return s;
  });

  // URLs -------------------------------------------------------------------------------------
  const formEncode = (s) => encodeURIComponent(s).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, "+");
  const formDecode = (s) => { s = s.replace(/\+/g, " "); try { return decodeURIComponent(s); } catch { return s; } };
  class URLSearchParams {
    #list = [];
    #changed;
    constructor(init = "", changed = undefined) {
      this.#changed = changed;
      if (typeof init === "string") {
        for (const pair of init.replace(/^\?/, "").split("&")) {
          if (pair === "") continue;
          const at = pair.indexOf("=");
          this.#list.push(at < 0 ? [formDecode(pair), ""] : [formDecode(pair.slice(0, at)), formDecode(pair.slice(at + 1))]);
        }
      } else if (init !== null && typeof init === "object") {
        const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
        for (const [k, v] of pairs) this.#list.push([String_(k), String_(v)]);
      }
    }
    #tell() { this.#changed?.(this.toString()); }
    get size() { return this.#list.length; }
    append(k, v) { this.#list.push([String_(k), String_(v)]); this.#tell(); }
    delete(k, v) { this.#list = this.#list.filter((p) => p[0] !== String_(k) || (v !== undefined && p[1] !== String_(v))); this.#tell(); }
    get(k) { return this.#list.find((p) => p[0] === String_(k))?.[1] ?? null; }
    getAll(k) { return this.#list.filter((p) => p[0] === String_(k)).map((p) => p[1]); }
    has(k, v) { return this.#list.some((p) => p[0] === String_(k) && (v === undefined || p[1] === String_(v))); }
    set(k, v) {
      const at = this.#list.findIndex((p) => p[0] === String_(k));
      if (at < 0) this.#list.push([String_(k), String_(v)]);
      else this.#list = this.#list.filter((p, i) => i <= at || p[0] !== String_(k)).map((p, i) => (i === at ? [p[0], String_(v)] : p));
      this.#tell();
    }
    sort() { this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#tell(); }
    forEach(f, self) { for (const [k, v] of this.#list) apply(f, self, [v, k, this]); }
    *entries() { for (const p of this.#list) yield [p[0], p[1]]; }
    *keys() { for (const p of this.#list) yield p[0]; }
    *values() { for (const p of this.#list) yield p[1]; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#list.map(([k, v]) => `${formEncode(k)}=${formEncode(v)}`).join("&"); }
  }
  global("URLSearchParams", URLSearchParams);
  class URL {
    #parts;
    #params;
    constructor(value, base) {
      const json = host.url(String_(value), base === undefined ? undefined : String_(base), undefined, undefined);
      if (json === null || json === undefined) throw new TypeError(`not a URL: ${String_(value).slice(0, 200)}`);
      this.#parts = NativeJSON.parse(json);
    }
    static canParse(value, base) { try { new URL(value, base); return true; } catch { return false; } }
    static parse(value, base) { try { return new URL(value, base); } catch { return null; } }
    get searchParams() {
      return (this.#params ??= new URLSearchParams(this.#parts.search, (s) => this._set("search", s)));
    }
    get origin() { return this.#parts.origin; }
    get href() { return this.#parts.href; }
    set href(value) { this.#parts = NativeJSON.parse(NativeJSON.stringify(new URL(value).#parts)); this.#params = undefined; }
    _set(part, value) { this.#parts = NativeJSON.parse(host.url(this.#parts.href, undefined, part, String_(value))); }
    _get(part) { return this.#parts[part]; }
    toString() { return this.#parts.href; }
    toJSON() { return this.#parts.href; }
  }
  for (const part of ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"]) {
    const { _get, _set } = URL.prototype;
    define(URL.prototype, part, {
      get() { return apply(_get, this, [part]); },
      set(value) { apply(_set, this, [part, value]); },
      enumerable: true, configurable: true,
    });
  }
  for (const hidden of ["_get", "_set"]) define(URL.prototype, hidden, { enumerable: false });
  global("URL", URL);

  // structuredClone --------------------------------------------------------------------------
  global("structuredClone", function structuredClone(value) {
    const seen = new NativeMap();
    const clone = (v) => {
      if (typeof v === "function" || typeof v === "symbol") throw new TypeError("this cannot be cloned");
      if (v === null || typeof v !== "object") return v;
      if (mapHas(seen, v)) return mapGet(seen, v);
      const keep = (copy) => { mapSet(seen, v, copy); return copy; };
      if (v instanceof NativeDate) return keep(new DeputyDate(time(v)));
      if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
      if (v instanceof ArrayBuffer) return keep(v.slice(0));
      if (isView(v)) return keep(new v.constructor(clone(v.buffer), v.byteOffset, v.length));
      if (v instanceof Map) { const c = keep(new Map()); for (const [k, x] of v) c.set(clone(k), clone(x)); return c; }
      if (v instanceof Set) { const c = keep(new Set()); for (const x of v) c.add(clone(x)); return c; }
      if (v instanceof Error) { const c = keep(new Error(v.message)); c.name = v.name; return c; }
      const c = keep(Array.isArray(v) ? new Array(v.length) : {});
      for (const k of Object.keys(v)) c[k] = clone(v[k]);
      return c;
    };
    return clone(value);
  });

  // console and ctx --------------------------------------------------------------------------
  const show = (v) => {
    if (typeof v === "string") return v;
    if (v instanceof Error) return `${v.name}: ${v.message}`;
    try { return encode(v) ?? String_(v); } catch { return String_(v); }
  };
  const logger = (level) => (...args) => log(level, args.map(show).join(" "), undefined);
  global("console", freeze({
    debug: logger("debug"), log: logger("info"), info: logger("info"), warn: logger("warn"),
    error: logger("error"), trace: logger("debug"),
  }));

  const LEVELS = ["debug", "info", "warn", "error"];
  function makeContext(fields, state) {
    const changed = Object.create(null);
    const ctx = {
      ...fields,
      state: freeze({
        get(key) {
          key = String_(key);
          const text = key in changed ? changed[key] : state[key];
          return text === undefined || text === "null" ? undefined : decode(text);
        },
        set(key, value) {
          const text = value === undefined ? "null" : encode(value);
          if (text === undefined) throw new TypeError("this value cannot be kept");
          changed[String_(key)] = text;
        },
      }),
      log(level, message, extra) {
        log(LEVELS.includes(level) ? level : "info", show(message), extra === undefined ? undefined : encode(extra));
      },
      emit: (item) => hostCall("ctx.emit", item),
      sleep: (ms) => {
        if (!(ms >= 0)) throw new TypeError("ctx.sleep takes milliseconds");
        return hostCall("ctx.sleep", { until: new NativeDate(now() + Number(ms)).toISOString() });
      },
      sleepUntil: (when) => hostCall("ctx.sleep", { until: new DeputyDate(when).toISOString() }),
    };
    return { ctx: freeze(ctx), changed };
  }

  // How a script ended -----------------------------------------------------------------------
  function report(error) {
    try {
      describe(error);
    } catch {
      failed('{"name":"","message":"the script threw something that cannot be read","stack":""}');
    }
  }
  function describe(error) {
    const field = (o, key) => { try { return o === null || o === undefined ? undefined : o[key]; } catch { return undefined; } };
    let cause = error, callId;
    for (let i = 0; i < 8 && cause !== undefined && cause !== null; i++) {
      if (mapHas(callOfError, cause)) { callId = mapGet(callOfError, cause); break; }
      cause = field(cause, "cause");
    }
    const tool = callId !== undefined ? cause : undefined;
    const isError = error instanceof Error;
    failed(NativeJSON.stringify({
      __proto__: null,
      name: isError ? String_(field(error, "name") ?? "Error") : "",
      message: isError ? String_(field(error, "message") ?? "") : show(error),
      stack: isError ? String_(field(error, "stack") ?? "") : "",
      call: callId || undefined,
      class: tool ? field(tool, "class") : undefined,
      code: tool ? field(tool, "code") : undefined,
    }));
  }

  function start(namespace, topic, ctxText, stateText, names) {
    define(globalThis, "tools", { value: makeTools(NativeJSON.parse(names), toolNames), writable: false, configurable: false });
    const state = bare(NativeJSON.parse(stateText));
    for (const key in state) state[key] = NativeJSON.stringify(state[key]);
    const { ctx, changed } = makeContext(decode(ctxText), state);
    const handler = topic === undefined || topic === null ? namespace.default : namespace.on?.[topic];
    if (typeof handler !== "function") {
      const what = topic === undefined || topic === null ? "export default async function main(ctx) { … }" : `export const on = { ${NativeJSON.stringify(topic)}: async (ctx) => { … } }`;
      failed(NativeJSON.stringify({ __proto__: null, name: "", message: `the script has no handler: it needs ${what}`, stack: "", code: "no_handler" }));
      return;
    }
    const finish = (value) => {
      try {
        let kept = "";
        for (const key in changed) kept += `${kept && ","}${NativeJSON.stringify(key)}:${changed[key]}`;
        done(encode(value) ?? "null", `{${kept}}`);
      } catch (error) {
        report(error);
      }
    };
    let result;
    try { result = handler(ctx); } catch (error) { report(error); return; }
    // A promise is waited for as it is, whatever became of `then` meanwhile.
    const promise = isPromise(result) ? result : new NativePromise((resolve) => resolve(result));
    apply(then, promise, [finish, report]);
  }

  return { start, settle, report };
};
