//! Pure tools do their work inside a confined worker: no files (not even for time zones), no
//! threads, two GiB of address space.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deputy_agent::sandbox::{FromWorker, Limits, Pool, PoolConfig, Start, WorkerEvent};
use deputy_protocol::Time;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a script returns that runs in a worker of its own.
async fn run(body: &str, input: Value) -> Result<Value, String> {
    let mut config = PoolConfig::new(PathBuf::from(env!("CARGO_BIN_EXE_deputy")));
    config.max_workers = 1;
    let start = Start {
        script: format!("export default async function main(ctx) {{ {body} }}"),
        topic: None,
        ctx: to_raw_value(&json!({"input": input})).unwrap(),
        state: BTreeMap::new(),
        seed: [7; 32],
        now: Time(1_800_000_000_000),
        timezone: "Europe/Berlin".to_owned(),
        limits: Limits::default(),
        tools: Vec::new(),
        denied: Vec::new(),
    };
    let mut session = Pool::new(config).lend(start).await.unwrap();
    let FromWorker { event, .. } = session.next().await.map_err(|died| format!("{died:?}"))?;
    match event {
        WorkerEvent::Done { result, .. } => Ok(serde_json::from_str(result.get()).unwrap()),
        WorkerEvent::Failed(failure) => Err(format!("{}: {}", failure.code, failure.message)),
        WorkerEvent::Ready | WorkerEvent::Calls { .. } => Err("not an end".to_owned()),
    }
}

/// A picture of a camera's size, with noise so that it does not pack well.
fn photo(width: u32, height: u32, format: image::ImageFormat) -> Value {
    let mut state = 1u32;
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = state.to_be_bytes()[0] >> 4;
        image::Rgb([
            x.to_le_bytes()[0].wrapping_add(noise),
            y.to_le_bytes()[0],
            noise,
        ])
    });
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    json!({"$bytes": STANDARD.encode(out.into_inner())})
}

#[tokio::test]
async fn pictures_are_transformed_in_a_worker() {
    let script = "const r = await tools.image.transform({ bytes: ctx.input.photo, width: 320, format: ctx.input.to });
        return { width: r.width, height: r.height, isBytes: r.bytes instanceof Uint8Array, some: r.bytes.length > 100 };";
    for from in [
        image::ImageFormat::Jpeg,
        image::ImageFormat::Png,
        image::ImageFormat::WebP,
    ] {
        for to in ["jpeg", "png", "webp", "gif"] {
            let input = json!({"photo": photo(640, 480, from), "to": to});
            let result = run(script, input).await;
            let expected = json!({"width": 320, "height": 240, "isBytes": true, "some": true});
            assert_eq!(result, Ok(expected), "{from:?} to {to}");
        }
    }
}

#[tokio::test]
async fn a_picture_that_unpacks_to_too_much_is_an_error_that_the_script_sees() {
    // A black picture of 81 megapixels is a small file.
    let black = image::GrayImage::new(9_000, 9_000);
    let mut out = std::io::Cursor::new(Vec::new());
    black.write_to(&mut out, image::ImageFormat::Png).unwrap();
    let input = json!({"photo": {"$bytes": STANDARD.encode(out.into_inner())}});
    let script =
        "try { await tools.image.transform({ bytes: ctx.input.photo, width: 10 }); return 'done'; }
        catch (e) { return { name: e.name, code: e.code, class: e.class }; }";
    assert_eq!(
        run(script, input).await,
        Ok(json!({"name": "ToolError", "code": "too_large", "class": "logic"}))
    );
}

#[tokio::test]
async fn a_large_picture_fits_into_a_worker() {
    let large = image::GrayImage::new(1_600, 1_600);
    let mut out = std::io::Cursor::new(Vec::new());
    large.write_to(&mut out, image::ImageFormat::Png).unwrap();
    let input = json!({"photo": {"$bytes": STANDARD.encode(out.into_inner())}});
    for args in ["width: 100", "width: 900", "rotate: 90, width: 1000"] {
        let script = format!(
            "const r = await tools.image.transform({{ bytes: ctx.input.photo, format: 'jpeg', {args} }}); return r.format;"
        );
        assert_eq!(
            run(&script, input.clone()).await,
            Ok(json!("jpeg")),
            "{args}"
        );
    }
}

#[tokio::test]
async fn times_are_read_and_moved_in_zones_in_a_worker() {
    let script = "const zone = 'America/New_York';
        const at = await tools.time.parse({ text: '2027-03-13 08:00', zone });
        const next = await tools.time.add({ time: at.time, zone, days: 1 });
        const named = await tools.time.parse({ text: '2027-01-31T08:00[Asia/Tokyo]' });
        const formatted = await tools.time.parse({ text: '2027-01-31 08:00 Asia/Tokyo', format: '%Y-%m-%d %H:%M %Q' });
        const mail = await tools.time.parse({ text: 'Sun, 31 Jan 2027 08:00:00 EST' });
        const { text } = await tools.time.format({ time: next.time, zone, format: '%A %H:%M %Z' });
        const { hours } = await tools.time.diff({ from: at.time, to: next.time, zone, largest: 'hour' });
        const day = await tools.time.startOf({ time: next.time, zone, unit: 'day' });
        let error; try { await tools.time.parse({ text: '2027-01-31', zone: 'Mars/Olympus' }); } catch (e) { error = e.code; }
        return [at.time, next.time, named.time, formatted.time, mail.time, text, hours, day.time, error];";
    let expected = json!([
        "2027-03-13T13:00:00Z",
        "2027-03-14T12:00:00Z",
        "2027-01-30T23:00:00Z",
        "2027-01-30T23:00:00Z",
        "2027-01-31T13:00:00Z",
        "Sunday 08:00 EDT",
        23,
        "2027-03-14T05:00:00Z",
        "invalid_input"
    ]);
    assert_eq!(run(script, Value::Null).await, Ok(expected));
}

#[tokio::test]
async fn tables_documents_and_pages_are_read_in_a_worker() {
    let script = "const { records } = await tools.csv.parse({ text: 'a;b\\n1;2', delimiter: ';' });
        const csv = await tools.csv.format({ records });
        const { root } = await tools.xml.parse({ text: '<a x=\"1\"><b>t</b></a>' });
        const xml = await tools.xml.format({ root });
        const page = '<title>T</title><article>' + '<p>One, two, three, and a sentence that goes on for a while.</p>'.repeat(5) + '</article>';
        const article = await tools.html.readable({ html: page });
        const { markdown } = await tools.html.toMarkdown({ html: '<h1>H</h1><b>b</b>' });
        const deep = await tools.html.toMarkdown({ html: '<div>'.repeat(1500) + 'deep' });
        return [records, csv.text, xml.text, article.title, article.confident, markdown, deep.markdown];";
    let expected = json!([
        [{"a": "1", "b": "2"}], "a,b\n1,2\n", "<a x=\"1\"><b>t</b></a>", "T", true,
        "# H\n\n**b**", "deep"
    ]);
    assert_eq!(run(script, Value::Null).await, Ok(expected));
}
