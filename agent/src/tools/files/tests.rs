#![allow(clippy::unwrap_used)]
use super::*;
use crate::clock::BoxFuture;
use crate::tools::{
    Answered, Asking, CallInfo, ConnectionSource, ModelSource, OpenConnection, OutsideEnv,
    OutsideOperation, Painting,
};
use deputy_protocol::Time;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use tempfile::TempDir;

struct NoConnections;

impl ConnectionSource for NoConnections {
    fn without_secrets(&self, text: &str) -> String {
        text.to_owned()
    }

    fn open<'a>(
        &'a self,
        tool: &'a str,
        _name: &'a str,
    ) -> BoxFuture<'a, Result<OpenConnection, ToolError>> {
        Box::pin(async move { Err(ToolError::invalid_input(tool, "files need no connection")) })
    }
}

impl ModelSource for NoConnections {
    fn ask<'a>(
        &'a self,
        tool: &'static str,
        _asking: Asking,
        _call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<Answered, ToolError>> {
        Box::pin(async move { Err(ToolError::invalid_input(tool, "files need no model")) })
    }

    fn paint<'a>(
        &'a self,
        tool: &'static str,
        _picture: &'a Painting,
        _call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<(String, Vec<u8>), ToolError>> {
        Box::pin(async move { Err(ToolError::invalid_input(tool, "files need no model")) })
    }
}

fn call(granted: &str) -> CallInfo {
    CallInfo {
        run: "r1".to_owned(),
        automation: "a1".to_owned(),
        automation_key: 1,
        run_key: Some(1),
        seq: 1,
        effect_key: String::new(),
        effect_id: "0123456789abcdef".to_owned(),
        now: Time(0),
        timezone: "UTC".to_owned(),
        max_result_bytes: 10 << 20,
        literal_hosts: Vec::new(),
        allowed_hosts: Vec::new(),
        granted_folders: vec![granted.to_owned()],
        prepared: Value::Null,
    }
}

fn run<O: OutsideOperation>(granted: &TempDir, args: Value) -> Result<Value, ToolError> {
    let env = OutsideEnv {
        connections: Arc::new(NoConnections),
        models: Arc::new(NoConnections),
    };
    let call = call(granted.path().to_str().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let input = serde_json::from_value(args).unwrap();
    runtime
        .block_on(O::run(input, &call, &env))
        .map(|out| serde_json::to_value(out).unwrap())
}

/// A granted folder with some files, and one outside with a secret to which links lead.
fn folders() -> (TempDir, TempDir) {
    let (granted, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |path: &str, text: &str| {
        let path = granted.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("a.txt", "one\n  Two rust \n");
    put("sub/B.TXT", "rust");
    put("sub/deep/c.md", "Rust and more");
    put("sub/data.bin", "");
    fs::write(granted.path().join("sub/data.bin"), b"rust\xff\xfe").unwrap();
    fs::write(outside.path().join("secret.txt"), "rust").unwrap();
    symlink(outside.path(), granted.path().join("link")).unwrap();
    symlink(
        outside.path().join("secret.txt"),
        granted.path().join("z.txt"),
    )
    .unwrap();
    (granted, outside)
}

fn found(granted: &TempDir, args: Value) -> Vec<String> {
    let mut args = args;
    args["path"] = json!(granted.path());
    let found = run::<Search>(granted, args).unwrap();
    let root = format!("{}/", granted.path().display());
    let files = found["files"].as_array().unwrap().clone();
    files
        .iter()
        .map(|f| f["path"].as_str().unwrap().replace(&root, ""))
        .collect()
}

#[test]
fn files_are_found_by_name_and_content_and_never_through_links() {
    let (granted, _outside) = folders();
    let all = ["a.txt", "sub/B.TXT", "sub/data.bin", "sub/deep/c.md"];
    assert_eq!(found(&granted, json!({})), all);
    assert_eq!(
        found(&granted, json!({"name": "*.txt"})),
        ["a.txt", "sub/B.TXT"]
    );
    assert_eq!(
        found(&granted, json!({"name": "?.m[de]"})),
        ["sub/deep/c.md"]
    );
    assert_eq!(
        found(&granted, json!({"text": "RUST"})),
        ["a.txt", "sub/B.TXT", "sub/deep/c.md"]
    );
    assert_eq!(
        found(&granted, json!({"text": "more", "name": "*.txt"})).len(),
        0
    );
}

#[test]
fn a_listing_is_of_the_folder_itself_without_links() {
    let (granted, _outside) = folders();
    let names = |path: std::path::PathBuf| {
        let listing = run::<List>(&granted, json!({"path": path})).unwrap();
        let entries = listing["entries"].as_array().unwrap().clone();
        let name = |e: &Value| e["name"].as_str().unwrap().to_owned();
        entries.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(granted.path().to_owned()), ["a.txt", "sub"]);
    assert_eq!(
        names(granted.path().join("sub")),
        ["B.TXT", "data.bin", "deep"]
    );
}

#[test]
fn a_hit_comes_with_its_line() {
    let (granted, _outside) = folders();
    let args = json!({"path": granted.path(), "text": "rust", "name": "a.*"});
    let found = run::<Search>(&granted, args).unwrap();
    assert_eq!(found["files"][0]["line"], 2);
    assert_eq!(found["files"][0]["excerpt"], "Two rust");
    assert_eq!(found["files"][0]["kind"], "file");
    assert_eq!(found["truncated"], false);
}

#[test]
fn a_search_says_when_there_is_more() {
    let (granted, _outside) = folders();
    let search = |limit: usize| {
        let args = json!({"path": granted.path(), "limit": limit});
        let found = run::<Search>(&granted, args).unwrap();
        (
            found["files"].as_array().unwrap().len(),
            found["truncated"].as_bool().unwrap(),
        )
    };
    assert_eq!(search(2), (2, true));
    assert_eq!(search(4), (4, false));
}

#[test]
fn a_folder_that_is_not_there_is_a_precondition_and_one_outside_is_not_permitted() {
    let (granted, outside) = folders();
    let missing = granted.path().join("missing");
    let errors = [
        run::<Search>(&granted, json!({"path": missing})),
        run::<List>(&granted, json!({"path": missing})),
        run::<Read>(&granted, json!({"path": missing.join("a")})),
        run::<Copy>(
            &granted,
            json!({"from": missing, "to": granted.path().join("b")}),
        ),
        run::<Move>(
            &granted,
            json!({"from": missing, "to": granted.path().join("b")}),
        ),
        run::<Trash>(&granted, json!({"path": missing})),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(
            (error.class, error.code.as_str()),
            (FailureClass::Precondition, "not_found")
        );
        assert!(error.message.contains("missing"), "{}", error.message);
    }
    for error in [
        run::<Search>(&granted, json!({"path": outside.path()})),
        run::<List>(&granted, json!({"path": outside.path()})),
        run::<Read>(&granted, json!({"path": outside.path().join("secret.txt")})),
        run::<Write>(
            &granted,
            json!({"path": outside.path().join("new.txt"), "text": "x"}),
        ),
    ] {
        let error = error.unwrap_err();
        assert_eq!(
            (error.class, error.code.as_str()),
            (FailureClass::Permission, "folder")
        );
    }
    assert!(!outside.path().join("new.txt").exists());
}

#[test]
fn no_link_leads_out_of_a_granted_folder() {
    let (granted, outside) = folders();
    let through = granted.path().join("link");
    assert!(run::<Search>(&granted, json!({"path": through})).is_err());
    assert!(run::<List>(&granted, json!({"path": through})).is_err());
    assert!(run::<Read>(&granted, json!({"path": through.join("secret.txt")})).is_err());
    assert!(run::<Read>(&granted, json!({"path": granted.path().join("z.txt")})).is_err());
    assert!(
        run::<Write>(
            &granted,
            json!({"path": through.join("new.txt"), "text": "x"})
        )
        .is_err()
    );
    assert!(!outside.path().join("new.txt").exists());
    // A link in a file's place is replaced, not followed.
    run::<Write>(
        &granted,
        json!({"path": granted.path().join("z.txt"), "text": "x"}),
    )
    .unwrap();
    assert_eq!(
        fs::read_to_string(outside.path().join("secret.txt")).unwrap(),
        "rust"
    );
}

#[test]
fn a_file_that_is_written_is_there_whole_in_folders_that_are_made() {
    let (granted, _outside) = folders();
    let path = granted.path().join("new/folder/f.txt");
    for text in ["one", "two"] {
        let put = run::<Write>(&granted, json!({"path": path, "text": text})).unwrap();
        assert_eq!(put, json!({"path": path}));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let read = run::<Read>(&granted, json!({"path": path})).unwrap();
    assert_eq!(read, json!({"text": "two"}));
    let read = run::<Read>(&granted, json!({"path": path, "as": "bytes"})).unwrap();
    assert_eq!(read, json!({"bytes": {"$bytes": "dHdv"}}));
    assert!(run::<Write>(&granted, json!({"path": path})).is_err());
}

#[test]
fn a_file_with_the_longest_name_there_is_can_be_written_copied_and_trashed() {
    let (granted, _outside) = folders();
    // 255 bytes each; the second is cut in the middle of a letter unless that is looked after.
    for name in [
        format!("{}.txt", "x".repeat(251)),
        format!("a{}", "é".repeat(127)),
    ] {
        let path = granted.path().join(&name);
        run::<Write>(&granted, json!({"path": path, "text": "one"})).unwrap();
        let copy = granted.path().join("copies").join(&name);
        run::<Copy>(&granted, json!({"from": path, "to": copy})).unwrap();
        assert_eq!(fs::read_to_string(&copy).unwrap(), "one");
        let put = run::<Trash>(&granted, json!({"path": copy})).unwrap();
        let trashed = put["path"].as_str().unwrap();
        assert!(trashed.ends_with(&name[name.len() - 4..]), "{trashed}");
        assert_eq!(fs::read_to_string(trashed).unwrap(), "one");
        assert!(!copy.exists());
    }
}

#[test]
fn what_is_trashed_can_be_taken_back_and_is_not_found_again() {
    let (granted, _outside) = folders();
    let path = granted.path().join("a.txt");
    let put = run::<Trash>(&granted, json!({"path": path})).unwrap();
    assert!(!path.exists());
    let kept = fs::read_to_string(put["path"].as_str().unwrap()).unwrap();
    assert!(kept.contains("rust"));
    assert!(
        !found(&granted, json!({}))
            .iter()
            .any(|f| f.contains("a.txt"))
    );
}
