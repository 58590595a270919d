use super::*;

#[test]
fn each_row_of_the_status_table_is_reached() {
    for (range, kind) in STATUS {
        let own = range.clone().find(|status| {
            let first = STATUS.iter().find(|(r, _)| r.contains(status));
            first.is_some_and(|(r, _)| r == range)
        });
        let error = own.map(|status| of_status(status, "", None));
        let expected = made(*kind, String::new(), None);
        assert_eq!(
            error.map(|e| e.code()),
            Some(expected.code()),
            "{range:?} is hidden by an earlier row"
        );
    }
    assert_eq!(of_status(302, "", None).code(), "bad_reply");
}

#[test]
fn each_row_of_words_is_reached_whatever_the_status() {
    for (words, kind) in WORDS {
        let body = format!("{{\"error\": {{\"message\": \"x\", \"type\": \"{words}\"}}}}");
        let expected = made(*kind, String::new(), None);
        assert_eq!(
            of_status(400, &body, None).code(),
            expected.code(),
            "{words}"
        );
    }
}

#[test]
fn the_sentence_in_an_error_is_found() {
    for body in [
        r#"{"error": {"message": "No."}}"#,
        r#"[{"error": {"message": "No.", "code": 400}}]"#,
        r#"{"error": "No."}"#,
        r#"{"message": "No."}"#,
        r#"{"detail": "No."}"#,
        "No.\n",
    ] {
        assert_eq!(said(body), "No.", "{body}");
    }
}

#[test]
fn a_message_is_one_line_of_bounded_length() {
    assert_eq!(short("a\nb\x1b[31m"), "a b [31m");
    assert_eq!(
        short(&"ü".repeat(1_000)).chars().count(),
        LONGEST_MESSAGE + 1
    );
}

#[test]
fn a_name_is_never_taken_for_an_effort_of_reasoning() {
    let settings = ModelSettings::parse("openai", None, "qwen-max").ok();
    let effort = settings.map(|s| options(&s, &Question::default()).reasoning_effort);
    assert!(matches!(effort, Some(Some(ReasoningEffort::Budget(0)))));
}
