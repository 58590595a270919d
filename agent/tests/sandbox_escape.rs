//! What a hostile script may try. Each attempt ends as an error of its own run, or comes to nothing;
//! the agent goes on, and so does the next run in the same pool.
#![allow(clippy::unwrap_used)]

#[path = "worker/mod.rs"]
mod worker;

use deputy_agent::sandbox::{Limits, Outcome, Pool};
use deputy_protocol::FailureClass;
use serde_json::{Value, json};
use worker::{Finale, body, echo, ok, play, pool, start};

/// A run that uses what earlier runs may have broken.
async fn the_next_run_is_unaffected(pool: &Pool) {
    let played = body(
        pool,
        "const a = await tools.web.fetch({ url: 'u' });
         ctx.state.set('k', [1]);
         return [a.tool, Object.keys({}).length, [3, 1, 2].sort().join(), typeof ctx.state.get('k')];",
    )
    .await;
    assert_eq!(played.result(), json!(["web.fetch", 0, "1,2,3", "object"]));
}

async fn ends_as(pool: &Pool, script_body: &str, class: FailureClass, code: &str) {
    let played = body(pool, script_body).await;
    assert_eq!(
        played.verdict(),
        (class, code.to_owned()),
        "{script_body}\n{played:?}"
    );
    the_next_run_is_unaffected(pool).await;
}

async fn gives(pool: &Pool, script_body: &str, result: Value) {
    let played = body(pool, script_body).await;
    assert!(
        matches!(&played.finale, Finale::Done(found) if *found == result),
        "{script_body}\n{played:?}"
    );
    the_next_run_is_unaffected(pool).await;
}

#[tokio::test]
async fn polluted_prototypes_stay_in_their_own_run_and_the_host_api_goes_on() {
    let pool = pool();
    for pollution in [
        "Object.prototype.then = undefined; Object.prototype.ok = 1; Object.prototype.error = 1;",
        "Object.prototype.$bytes = 'AAAA';",
        "Object.prototype.id = 99; Object.prototype.tool = 'mail.send'; Object.prototype.outcome = {};",
        "Array.prototype.map = null; Array.prototype.push = null; Array.prototype[Symbol.iterator] = null;",
        "Map.prototype.get = () => ({ resolve() {}, reject() {} }); Map.prototype.set = () => { throw 1; };",
        "Function.prototype.call = () => { throw 1; }; Function.prototype.apply = () => { throw 1; };",
        "Promise.prototype.then = () => { throw 1; }; Promise.resolve = () => 1; globalThis.Promise = class {};",
        "JSON.stringify = () => '{\"forged\":true}'; JSON.parse = () => ({ forged: true }); globalThis.JSON = null;",
        "Reflect.apply = () => { throw 1; }; Object.defineProperty = () => { throw 1; }; Object.freeze = (x) => x;",
        "String.prototype.includes = () => true; String.prototype.slice = () => 'x';",
        "globalThis.Map = null; globalThis.Error = null; globalThis.Object = null; globalThis.Uint8Array = null;",
    ] {
        gives(
            &pool,
            &format!(
                "{pollution}
                 const a = await tools.web.fetch({{ url: 'u' }});
                 const b = await tools.notes.put({{ name: 'n', text: 't' }});
                 return [a.tool, a.args.url, b.tool, b.args.text];"
            ),
            json!(["web.fetch", "u", "notes.put", "t"]),
        )
        .await;
    }
}

#[tokio::test]
async fn a_polluted_to_json_changes_what_the_script_says_and_nothing_the_host_reports() {
    let pool = pool();
    let played = body(
        &pool,
        "Object.prototype.toJSON = () => 'forged'; throw new RangeError('mine');",
    )
    .await;
    let failure = played.failure();
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (FailureClass::Logic, "RangeError: mine")
    );
    ends_as(
        &pool,
        "Object.prototype.toJSON = () => 'forged'; await tools.web.fetch({ url: 'u' });",
        FailureClass::Logic,
        "exception",
    )
    .await;
}

#[tokio::test]
async fn constructors_lead_to_the_sandboxs_own_global_and_nowhere_else() {
    let pool = pool();
    for way in [
        "(() => {}).constructor('return this')()",
        "(() => {}).constructor`return this```",
        "Object.getPrototypeOf(function* () {}).constructor('yield this')().next().value",
        "await Object.getPrototypeOf(async function () {}).constructor('return this')()",
        "tools.web.fetch.constructor('return this')()",
        "ctx.sleep.constructor('return this')()",
        "console.log.constructor.constructor('return this')()",
        "(0, eval)('this')",
        "Reflect.construct(Function, ['return this'])()",
        "[].map.constructor('return this')()",
    ] {
        gives(
            &pool,
            &format!(
                "const found = {way};
                 return [found === globalThis, typeof found.process, typeof found.require, typeof found.std,
                         typeof found.os, typeof found.Deno, typeof found.host, typeof found.fetch];"
            ),
            json!([true, "undefined", "undefined", "undefined", "undefined", "undefined", "undefined", "undefined"]),
        )
        .await;
    }
}

#[tokio::test]
async fn there_is_nothing_to_import() {
    let pool = pool();
    for name in [
        "std",
        "os",
        "bjson",
        "qjs:std",
        "fs",
        "node:fs",
        "./x.js",
        "/etc/passwd",
        "https://example.org/x.js",
    ] {
        let played = body(&pool, &format!("return await import('{name}');")).await;
        assert_eq!(played.verdict().0, FailureClass::Logic, "import of {name}");
        let script = format!("import * as x from '{name}'; export default () => Object.keys(x);");
        let played = play(&pool, start(&script), echo).await;
        assert_eq!(
            played.verdict().0,
            FailureClass::Logic,
            "static import of {name}"
        );
    }
    gives(
        &pool,
        "return Object.keys(import.meta).filter((k) => typeof import.meta[k] !== 'string');",
        json!([]),
    )
    .await;
    gives(
        &pool,
        "return Object.values(await import('deputy:prelude'));",
        json!([null]),
    )
    .await;
}

#[tokio::test]
async fn what_sees_memory_time_or_threads_is_absent() {
    let pool = pool();
    gives(
        &pool,
        "return ['SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'performance', 'setTimeout',
                 'setInterval', 'setImmediate', 'queueMicrotask', 'Worker', 'WebAssembly', 'XMLHttpRequest', 'fetch', 'print', 'gc', 'scriptArgs',
                 '__loadScript', 'navigator', 'Bjson', 'ShadowRealm'].filter((name) => name in globalThis && name !== 'queueMicrotask');",
        json!([]),
    )
    .await;
}

#[tokio::test]
async fn host_functions_show_no_source_and_stacks_show_no_frames_of_the_host() {
    let pool = pool();
    gives(
        &pool,
        "const texts = [tools.web.fetch, ctx.sleep, ctx.state.get, console.log, Date, Math.random, crypto.randomUUID, URL, ToolError, structuredClone]
           .map((f) => Function.prototype.toString.call(f));
         return texts.filter((t) => /hostCall|host\\.|prelude|NativeJSON|callOfError|apply\\(/.test(t));",
        json!([]),
    )
    .await;
    gives(
        &pool,
        "const seen = [];
         Error.prepareStackTrace = (_, frames) => { for (const f of frames) seen.push(f.getFunction?.()); return ''; };
         const leak = { toJSON() { new Error('x').stack; return {}; } };
         await tools.web.fetch({ a: leak }).catch(() => 0);
         ctx.state.set('k', leak);
         return seen.length;",
        json!(0),
    )
    .await;
    gives(
        &pool,
        "'use strict'; const tried = [];
         for (const f of [tools.web.fetch, ctx.sleep, console.log]) {
           for (const key of ['caller', 'arguments', 'callee']) {
             try { tried.push(f[key]); } catch (e) { tried.push(null); }
           }
         }
         return tried.every((t) => t === null || t === undefined);",
        json!(true),
    )
    .await;
}

#[tokio::test]
async fn a_stack_points_to_the_scripts_own_lines() {
    let pool = pool();
    let script = "// one\nfunction deep(x) {\n  return x.missing.field;\n}\nexport default async function main(ctx) {\n  await tools.web.fetch({ url: 'u' });\n  return deep({});\n}\n";
    let failure = play(&pool, start(script), echo).await.failure();
    assert_eq!(failure.code, "exception");
    assert!(failure.message.contains("TypeError"), "{failure:?}");
    let lines: Vec<&str> = failure.stack.lines().map(str::trim).collect();
    assert!(
        lines[0].contains("deep") && lines[0].contains("script:3:"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("main") && lines[1].contains("script:7:"),
        "{lines:?}"
    );
    assert!(lines.iter().all(|l| l.contains("script:")), "{lines:?}");
    let failure = play(&pool, start("export default () => {\n  let x = ;\n}"), echo)
        .await
        .failure();
    assert_eq!(failure.code, "syntax");
    assert!(
        format!("{} {}", failure.message, failure.stack).contains("script:2"),
        "{failure:?}"
    );
    // A tool's error points to where the script waited for it.
    let script = "export default async function main(ctx) {\n\n  await tools.web.fetch(1);\n}\n";
    let failure = play(&pool, start(script), echo).await.failure();
    assert!(failure.stack.contains("script:3:"), "{failure:?}");
    assert!(!failure.stack.contains("prelude"), "{failure:?}");
}

#[tokio::test]
async fn arguments_that_fight_back_fail_in_the_script_or_are_plain_data_outside() {
    let pool = pool();
    gives(
        &pool,
        "let reads = 0;
         const args = { get url() { return 'u' + ++reads; } };
         const a = await tools.web.fetch(args);
         return [a.args.url, reads];",
        json!(["u1", 1]),
    )
    .await;
    gives(
        &pool,
        "const proxy = new Proxy({ url: 'u' }, { get: (t, k) => (k === 'toJSON' ? undefined : t[k]) });
         return (await tools.web.fetch(proxy)).args;",
        json!({"url": "u"}),
    )
    .await;
    for (args, message) in [
        (
            "{ get url() { throw new Error('from the getter'); } }",
            "from the getter",
        ),
        (
            "{ toJSON() { throw new Error('from toJSON'); } }",
            "from toJSON",
        ),
        (
            "new Proxy({}, { ownKeys() { throw new Error('from the proxy'); } })",
            "from the proxy",
        ),
        ("{ toJSON() { return 7; } }", "takes an object"),
        ("{ toJSON() { return undefined; } }", "takes an object"),
        ("(() => { const a = {}; a.a = a; return a; })()", "circular"),
        ("{ big: 10n }", "BigInt"),
        ("Symbol('x')", "takes an object"),
        ("[1]", "takes an object"),
        ("'text'", "takes an object"),
        ("null", "takes an object"),
    ] {
        let failure = body(&pool, &format!("await tools.web.fetch({args});"))
            .await
            .failure();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Logic, "exception"),
            "{args}"
        );
        assert!(failure.message.contains(message), "{args}: {failure:?}");
    }
    for endless in [
        "{ toJSON() { for (;;); } }",
        "{ get url() { for (;;); } }",
        "new Proxy({}, { get() { for (;;); } })",
    ] {
        ends_as(
            &pool,
            &format!("try {{ await tools.web.fetch({endless}); }} catch {{}} return 1;"),
            FailureClass::Limit,
            "cpu",
        )
        .await;
    }
    let deeper = "{ toJSON() { return { a: { toJSON: this.toJSON } }; } }";
    ends_as(
        &pool,
        &format!("try {{ await tools.web.fetch({deeper}); }} catch {{}} return 1;"),
        FailureClass::Limit,
        "stack",
    )
    .await;
}

#[tokio::test]
async fn a_call_made_while_another_is_encoded_is_a_call_of_its_own() {
    let pool = pool();
    let played = body(
        &pool,
        "let inner;
         const outer = tools.web.fetch({ a: { toJSON() { inner = tools.notes.put({ name: 'inner' }); return 1; } } });
         return [(await outer).id, (await inner).id];",
    )
    .await;
    let made: Vec<_> = played
        .calls
        .iter()
        .map(|(id, tool, _)| (*id, tool.as_str()))
        .collect();
    assert_eq!(made, [(1, "notes.put"), (2, "web.fetch")]);
    assert_eq!(played.result(), json!([2, 1]));
}

#[tokio::test]
async fn endless_work_ends_at_the_cpu_limit_wherever_it_hides() {
    let pool = pool();
    for endless in [
        "for (;;);",
        "for (;;) try { for (;;); } catch {} finally { continue; }",
        "async function spin() { for (;;) await null; } await spin();",
        "async function spin() { try { for (;;) await null; } finally { await spin(); } } for (;;) try { await spin(); } catch {}",
        "await Promise.resolve().then(function again() { for (;;); });",
        "const again = () => { Promise.resolve().then(again); }; again(); await new Promise(() => {});",
        "await new Promise(() => { for (;;); });",
        "function* g() { for (;;) yield 1; } for (const x of g());",
        "for await (const x of (async function* () { for (;;) yield 1; })());",
        "class A { static x = (() => { for (;;); })(); }",
        "[1].sort.call({ length: 2, get 0() { for (;;); }, 1: 0 });",
        "return { toJSON() { for (;;); } };",
        "return { then(resolve) { for (;;); } };",
        "throw { get message() { for (;;); }, toString() { for (;;); } };",
        "throw new Proxy(new Error('x'), { get() { for (;;); }, getPrototypeOf() { for (;;); } });",
        "/(a+)+$/.test('a'.repeat(60) + 'b');",
        "try { /^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(200)); } catch {} for (;;);",
    ] {
        ends_as(&pool, endless, FailureClass::Limit, "cpu").await;
    }
    for script in [
        "for (;;); export default () => 1;",
        "await (async () => { for (;;) await null; })(); export default () => 1;",
        "export default () => 1; async function f() { try { for (;;) await null; } finally { await f(); } } for (;;) try { await f(); } catch {}",
    ] {
        let played = play(&pool, start(script), echo).await;
        assert_eq!(
            played.verdict(),
            (FailureClass::Limit, "cpu".to_owned()),
            "{script}"
        );
    }
    the_next_run_is_unaffected(&pool).await;
}

#[tokio::test]
async fn native_loops_that_no_interrupt_reaches_are_ended_from_outside_or_by_the_heap() {
    let pool = pool();
    let began = std::time::Instant::now();
    for native in [
        "new Array(1e9) + '';",
        "new Array(4e9 - 1).join('x');",
        "Array(2 ** 32 - 1).fill(0);",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);",
        "new Array(2 ** 32 - 1).reverse();",
    ] {
        let played = body(&pool, &format!("try {{ {native} }} catch {{}} return 1;")).await;
        let (class, code) = played.verdict();
        assert_eq!(class, FailureClass::Limit, "{native}");
        assert!(code == "cpu" || code == "heap", "{native}: {code}");
        the_next_run_is_unaffected(&pool).await;
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(40));
}

#[tokio::test]
async fn memory_ends_at_the_heap_limit_and_cannot_be_caught() {
    let pool = pool();
    for greedy in [
        "const all = []; for (;;) all.push(new Array(1e5).fill(all.length));",
        "'x'.repeat(2 ** 29);",
        "new Uint8Array(2 ** 30);",
        "new ArrayBuffer(2 ** 30);",
        "const kept = []; const text = 'x'.repeat(1e6); for (;;) kept.push(new TextEncoder().encode(text));",
        "const kept = []; for (;;) kept.push(crypto.getRandomValues(new Uint8Array(65536)));",
        "const kept = []; for (;;) kept.push(new Promise(() => {}));",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i });",
        "JSON.parse('[' + '0,'.repeat(8e6) + '0]');",
        "const big = Array(1e4).fill(Array(1e4).fill('xxxx')); JSON.stringify(big);",
        "for (let a = []; ; ) a = [a, a, new Array(1e4).fill(1)];",
    ] {
        let script =
            format!("export default async () => {{ for (;;) try {{ {greedy} }} catch {{}} }}");
        let mut start = start(&script);
        start.limits.cpu_ms = 5_000;
        let played = play(&pool, start, echo).await;
        assert_eq!(
            played.verdict(),
            (FailureClass::Limit, "heap".to_owned()),
            "{greedy}"
        );
        the_next_run_is_unaffected(&pool).await;
    }
}

#[tokio::test]
async fn depth_ends_at_the_stack_limit_and_cannot_be_caught() {
    let pool = pool();
    for deep in [
        "(function f() { f(); })();",
        "(function f(a, b, c) { return 1 + f(c, b, a); })();",
        "const o = { get x() { return this.x; } }; o.x; throw o.x;",
        "let nest = []; for (let i = 0; i < 1e5; i++) nest = [nest]; JSON.stringify(nest);",
        "JSON.parse('['.repeat(1e6));",
        "await (async function f() { await f(); })();",
        "const p = new Proxy({}, { get: (_, k, r) => r[k] }); p.x;",
        "class A { constructor() { new A(); } } new A();",
        "[1].map(function f() { return [1].map(f); });",
        "String({ toString: function f() { return String({ toString: f }); } });",
        "eval('('.repeat(1e5));",
        "new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5));",
        "structuredClone((() => { let n = {}; for (let i = 0; i < 1e5; i++) n = { n }; return n; })());",
    ] {
        ends_as(
            &pool,
            &format!("try {{ {deep} }} catch (e) {{ return 'caught ' + e; }} return 'no error';"),
            FailureClass::Limit,
            "stack",
        )
        .await;
    }
}

#[tokio::test]
async fn an_error_that_only_sounds_like_a_limit_is_the_scripts_own() {
    let pool = pool();
    for forged in [
        "throw new RangeError('Maximum call stack size exceeded');",
        "throw new Error('out of memory');",
        "throw new ToolError({ class: 'limit', code: 'cpu', message: 'forged', tool: 'x' });",
        "throw new ToolError({ class: 'permission', code: 'never', message: 'forged', tool: 'x' });",
        "const e = new Error('x'); e.cause = new ToolError({ class: 'auth', message: 'forged' }); throw e;",
        "throw Object.assign(Object.create(ToolError.prototype), { class: 'auth', code: 'revoked' });",
    ] {
        ends_as(&pool, forged, FailureClass::Logic, "exception").await;
    }
}

#[tokio::test]
async fn whatever_is_thrown_is_reported() {
    let pool = pool();
    for thrown in [
        "undefined",
        "null",
        "0",
        "Symbol('s')",
        "10n",
        "() => 1",
        "{ toString: null }",
        "Object.create(null)",
        "{ get message() { throw 1; } }",
        "new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } })",
        "(() => { const e = new Error('x'); Object.defineProperty(e, 'name', { get() { throw 1; } }); e.message = { toString() { throw 2; } }; return e; })()",
        "(() => { const e = new Error('x'); e.stack = { toString() { throw 2; } }; return e; })()",
        "(() => { Object.defineProperty(Error, Symbol.hasInstance, { value() { throw 3; } }); return new Error('x'); })()",
        "(() => { const a = new Error('a'); a.cause = a; return a; })()",
    ] {
        ends_as(
            &pool,
            &format!("throw {thrown};"),
            FailureClass::Logic,
            "exception",
        )
        .await;
    }
    let failure = body(&pool, "throw new Error('x'.repeat(5e6));")
        .await
        .failure();
    assert!(
        failure.message.len() < 8_192,
        "a message is kept short enough to read"
    );
}

#[tokio::test]
async fn a_forbidden_pure_tool_ends_the_run_whatever_the_script_catches() {
    let pool = pool();
    ends_as(
        &pool,
        "try { await tools.text.template({ template: 'x', values: {} }); } catch {} return 'caught';",
        FailureClass::Permission,
        "never",
    )
    .await;
}

#[tokio::test]
async fn what_the_script_is_given_cannot_be_changed() {
    let pool = pool();
    gives(
        &pool,
        "const tried = [];
         const attempt = (name, f) => { try { f(); tried.push(name); } catch (e) { if (!(e instanceof TypeError)) tried.push(name + ': ' + e); } };
         attempt('tools', () => { tools = {}; });
         attempt('globalThis.tools', () => { globalThis.tools = {}; });
         attempt('define tools', () => Object.defineProperty(globalThis, 'tools', { value: 1 }));
         attempt('delete tools', () => { delete globalThis.tools; });
         attempt('tools.web', () => { tools.web = {}; });
         attempt('tools.web.fetch', () => { tools.web.fetch = () => 1; });
         attempt('tools.web.fetch.x', () => { tools.web.fetch.x = 1; });
         attempt('tools.new', () => { tools.evil = {}; });
         attempt('setPrototypeOf tools', () => Object.setPrototypeOf(tools, { evil: 1 }));
         attempt('ctx.state', () => { ctx.state = {}; });
         attempt('ctx.state.get', () => { ctx.state.get = () => 1; });
         attempt('ctx.emit', () => { ctx.emit = () => 1; });
         attempt('ctx.new', () => { ctx.evil = 1; });
         attempt('console.log', () => { console.log = () => 1; });
         attempt('crypto', () => { crypto.randomUUID = () => 1; });
         return tried;",
        json!([]),
    )
    .await;
    gives(
        &pool,
        "return [Object.getPrototypeOf(tools), Object.getPrototypeOf(tools.web), 'constructor' in tools, '__proto__' in tools.web];",
        json!([null, null, false, false]),
    )
    .await;
}

#[tokio::test]
async fn a_script_cannot_answer_its_own_calls() {
    let pool = pool();
    let played = body(
        &pool,
        "const stolen = [];
         const record = (name) => function (...args) { stolen.push(name); return Reflect.construct(Object, []); };
         Map.prototype.get = Map.prototype.set = Map.prototype.has = Map.prototype.delete = function () { stolen.push(this); };
         Function.prototype.call = record('call'); Function.prototype.bind = record('bind');
         const Native = Promise;
         globalThis.Promise = class extends Native { constructor(f) { super((a, b) => { stolen.push(a, b); f(a, b); }); } };
         Object.defineProperty(Object.prototype, 'resolve', { set(v) { stolen.push(v); }, configurable: true });
         const p = tools.web.fetch({ url: 'u' });
         for (const s of stolen) if (typeof s === 'function') s({ forged: true });
         const a = await p;
         return [stolen.length, a.forged ?? false, a.tool];",
    )
    .await;
    assert_eq!(played.result(), json!([0, false, "web.fetch"]));
    the_next_run_is_unaffected(&pool).await;
}

#[tokio::test]
async fn a_result_that_is_a_promise_of_its_own_kind_resolves_once() {
    let pool = pool();
    gives(
        &pool,
        "return { then(resolve) { resolve('first'); resolve('second'); throw 1; } };",
        json!("first"),
    )
    .await;
    ends_as(
        &pool,
        "return { then(resolve, reject) { reject(new Error('no')); resolve(1); } };",
        FailureClass::Logic,
        "exception",
    )
    .await;
    ends_as(
        &pool,
        "return { then() {} };",
        FailureClass::Logic,
        "deadlock",
    )
    .await;
    ends_as(
        &pool,
        "await new Promise(() => {});",
        FailureClass::Logic,
        "deadlock",
    )
    .await;
    let played = play(
        &pool,
        start("await new Promise(() => {}); export default () => 1;"),
        echo,
    )
    .await;
    assert_eq!(
        played.verdict(),
        (FailureClass::Logic, "deadlock".to_owned())
    );
    // The host's answer may look like a promise too.
    let script = "export default async () => (await tools.web.fetch({})).x;";
    let played = play(&pool, start(script), |_| ok(&json!({"then": 1, "x": 2}))).await;
    assert_eq!(played.result(), json!(2));
}

#[tokio::test]
async fn a_flood_of_log_is_cut_and_says_so() {
    let pool = pool();
    let mut flood = start(
        "export default async () => { for (let i = 0; i < 60000; i++) console.log(''); for (let i = 0; i < 50; i++) console.warn('x'.repeat(1e5)); await tools.web.fetch({}); console.log('after'); return 1; }",
    );
    flood.limits.cpu_ms = 5_000;
    let played = play(&pool, flood, echo).await;
    let size: usize = played
        .logs
        .iter()
        .map(deputy_agent::sandbox::LogLine::size)
        .sum();
    assert!(
        size <= deputy_agent::sandbox::LOG_BYTES + 1_024,
        "{size} bytes of log"
    );
    assert_eq!(
        played
            .logs
            .iter()
            .filter(|l| l.message.contains("more was logged"))
            .count(),
        1
    );
    assert_eq!(played.result(), json!(1));
    the_next_run_is_unaffected(&pool).await;
}

#[tokio::test]
async fn a_flood_of_promises_or_calls_ends_at_a_limit() {
    let pool = pool();
    ends_as(&pool, "await Promise.all(Array.from({ length: 1e6 }, async () => { await null; await new Promise(() => {}); }));", FailureClass::Limit, "heap").await;
    ends_as(
        &pool,
        "for (;;) { try { tools.web.fetch({}).catch(() => 0); } catch {} }",
        FailureClass::Limit,
        "cpu",
    )
    .await;
    ends_as(
        &pool,
        "for (let i = 0; i < 1001; i++) try { await tools.web.fetch({}); } catch {} return 1;",
        FailureClass::Limit,
        "steps",
    )
    .await;
    ends_as(&pool, "await Promise.all(Array.from({ length: 1001 }, () => tools.web.fetch({}).catch(() => 0))); return 1;", FailureClass::Limit, "steps").await;
    ends_as(&pool, "await tools.text.diff({ before: 'a', after: 'b' }); for (let i = 0; i < 1000; i++) try { await tools.text.diff({ before: 'a', after: 'b' }); } catch {} return 1;", FailureClass::Limit, "steps").await;
}

#[tokio::test]
async fn too_many_bytes_in_either_direction_end_at_the_limit() {
    let pool = pool();
    let limits = Limits {
        result_bytes: 10_000,
        total_bytes: 25_000,
        cpu_ms: 2_000,
        ..Limits::default()
    };
    for (script, answer) in [
        (
            "export default async () => { try { await tools.web.fetch({}); } catch {} return 1; }",
            10_001,
        ),
        (
            "export default async () => { for (let i = 0; i < 3; i++) try { await tools.web.fetch({}); } catch {} return 1; }",
            9_000,
        ),
        (
            "export default async () => { try { await tools.notes.put({ text: 'x'.repeat(10001) }); } catch {} return 1; }",
            1,
        ),
        (
            "export default async () => { for (let i = 0; i < 3; i++) try { await tools.notes.put({ text: 'x'.repeat(9000) }); } catch {} return 1; }",
            1,
        ),
        ("export default async () => 'x'.repeat(10001);", 1),
        (
            "export default async (ctx) => { ctx.state.set('k', 'x'.repeat(10001)); return 1; }",
            1,
        ),
    ] {
        let mut start = start(script);
        start.limits = limits;
        let played = play(&pool, start, |_| ok(&Value::String("y".repeat(answer)))).await;
        assert_eq!(
            played.verdict(),
            (FailureClass::Limit, "bytes".to_owned()),
            "{script}"
        );
    }
    // What fits, fits.
    let mut fits = start(
        "export default async () => { for (let i = 0; i < 2; i++) await tools.notes.put({ text: 'x'.repeat(9900) }); return 'x'.repeat(9990); }",
    );
    fits.limits = limits;
    assert!(matches!(
        play(&pool, fits, |_| ok(&json!(1))).await.finale,
        Finale::Done(_)
    ));
    the_next_run_is_unaffected(&pool).await;
}

#[tokio::test]
async fn a_script_that_waits_longer_than_its_wall_time_is_ended() {
    let pool = pool();
    // The worker is stopped, as if it hung in a system call: no CPU time is used.
    let mut hung = start("export default () => { for (;;); }");
    hung.limits = Limits {
        wall_ms: 700,
        cpu_ms: 60_000,
        ..Limits::default()
    };
    let played = play(&pool, hung, echo).await;
    assert_eq!(played.verdict(), (FailureClass::Limit, "wall".to_owned()));
    the_next_run_is_unaffected(&pool).await;
}

#[tokio::test]
async fn errors_from_the_host_arrive_as_tool_errors_with_their_own_fields_only() {
    let pool = pool();
    let error = json!({"class": "transient", "code": "timeout", "tool": "web.fetch", "message": "too slow", "retryable": true,
                       "retry_after_ms": 5, "effect": "not_done", "constructor": "x", "__proto__": {"evil": 1}, "stack": "forged"});
    let script = "export default async () => { try { await tools.web.fetch({}); } catch (e) {
        return [e instanceof ToolError, e instanceof Error, e.name, e.class, e.code, e.retryable, e.retry_after_ms, e.evil === undefined, e.constructor === ToolError]; } }";
    let played = play(&pool, start(script), |_| {
        Outcome::Err(serde_json::value::RawValue::from_string(error.to_string()).unwrap())
    })
    .await;
    assert_eq!(
        played.result(),
        json!([
            true,
            true,
            "ToolError",
            "transient",
            "timeout",
            true,
            5,
            true,
            true
        ])
    );
}
