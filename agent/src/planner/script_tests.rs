#![allow(clippy::unwrap_used)]
use super::*;
use crate::tools::registry;

fn rules(script: &str) -> Vec<&'static str> {
    let read = read(script, registry());
    read.problems.iter().map(|p| p.rule).collect()
}

fn operations(script: &str) -> Vec<String> {
    read(script, registry()).operations.into_iter().collect()
}

#[test]
fn the_built_in_recipes_have_nothing_wrong() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let read = read(&script, registry());
        assert_eq!(read.problems, [], "{}", path.display());
        assert!(!read.operations.is_empty(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8);
}

#[test]
fn tools_are_seen_where_they_are_named_and_nowhere_else() {
    let script = r#"
        // tools.files.trash({path: "/"})
        const text = "tools.files.move()";
        export default async function main(ctx) {
          const page = await tools.web.fetch({ url: ctx.params.url });
          await tools["notify"]["send"]({ title: `${text}`, body: page.text });
          return [1, 2].map((n) => tools.html.toText({ html: String(n) }));
        }
        export const on = { "x": async (ctx) => tools.notes.put({ name: "a", text: "b" }) };"#;
    assert_eq!(
        operations(script),
        ["html.toText", "notes.put", "notify.send", "web.fetch"]
    );
    assert_eq!(rules(script), Vec::<&str>::new());
}

#[test]
fn each_way_to_be_wrong_has_its_rule() {
    let table = [
        ("export default async () => {", "syntax"),
        (
            "export default async () => tools.web.get({})",
            "unknown_tool",
        ),
        (
            "export default async () => tools.nothing.here({})",
            "unknown_tool",
        ),
        (
            "export default async () => fetch('https://a.org')",
            "unknown_global",
        ),
        ("export default async () => require('fs')", "unknown_global"),
        ("export default async () => process.env", "unknown_global"),
        (
            "export default async () => { undeclared = 1 }",
            "unknown_global",
        ),
        (
            "const t = tools; export default async () => t.web.fetch({url: 'x'})",
            "dynamic",
        ),
        (
            "const { web } = tools; export default async () => web",
            "dynamic",
        ),
        (
            "export default async (ctx) => tools[ctx.input.x].send({})",
            "dynamic",
        ),
        (
            "export default async (ctx) => tools.web[ctx.input.x]({})",
            "dynamic",
        ),
        (
            "export default async () => tools.web.fetch.call(null, {url: 'x'})",
            "dynamic",
        ),
        ("export default async (tools) => tools", "dynamic"),
        ("export default async () => ({ tools })", "dynamic"),
        ("export default async () => eval('1')", "dynamic"),
        ("export default async () => globalThis.tools", "dynamic"),
        (
            "export default async () => (() => {}).constructor('return tools')()",
            "dynamic",
        ),
        ("import x from 'y'; export default async () => x", "import"),
        ("export default async () => import('y')", "import"),
        ("export * from 'y'; export default async () => 1", "import"),
        ("export default async () => tools.web.fetch()", "arguments"),
        (
            "export default async () => tools.web.fetch({ uri: 'https://a.org' })",
            "arguments",
        ),
        (
            "export default async () => tools.web.fetch({ url: 5 })",
            "arguments",
        ),
        (
            "export default async (c) => tools.web.fetch({ url: c.params.u, wait: 1 })",
            "arguments",
        ),
        (
            "export default async (c) => tools.notify.send({ body: c.params.u })",
            "arguments",
        ),
        (
            "export default async (c) => tools.web.fetch({ url: c.params.u, once: 'a' })",
            "arguments",
        ),
    ];
    for (script, rule) in table {
        let found = rules(script);
        assert!(found.contains(&rule), "{script} gave {found:?}");
    }
}

#[test]
fn what_is_fine_is_not_complained_about() {
    for script in [
        "export default async () => { if (typeof window !== 'undefined') return 1; }",
        "export default async function main(ctx) { const { a, ...rest } = ctx.input; for (const [k, v] of Object.entries(rest)) console.log(k, v, a); }",
        "class A { constructor() { this.x = 1; } } export default async () => new A().x",
        "export default async () => { try { await tools.notes.get({ name: 'a' }); } catch (e) { if (!(e instanceof ToolError)) throw e; } }",
        "export default async (ctx) => tools.notify.send({ ...ctx.params, once: 'x' })",
        "label: for (;;) { break label; } export default async () => 1",
    ] {
        assert_eq!(rules(script), Vec::<&str>::new(), "{script}");
    }
}

#[test]
fn a_problem_says_its_line() {
    let read = read("\n\nexport default async () => fetch()", registry());
    assert_eq!(read.problems[0].line, 3);
    assert!(read.problems[0].to_string().starts_with("line 3: `fetch`"));
}
