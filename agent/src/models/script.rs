//! Questions that the tools of scripts put: no tools, data in marked blocks, and a bound on what an
//! answer can cost.

use super::{
    Charge, Media, ModelError, Models, OUTSIDE_RULE, Provider, Purpose, Question, Stop, Turn,
    Usage, outside, prices, settings,
};
use crate::clock::BoxFuture;
use crate::gate::CallCost;
use crate::store::StoreError;
use crate::tools::{Answered, Asking, CallInfo, ModelSource, Paid, Painting, ToolError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deputy_protocol::FailureClass;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// What every system prompt of a tool says.
const BOUND: &str = "You are one step of a program. You have no tools, nobody reads along, and \
nobody can answer a question: reply with the result alone, without a greeting or a comment.";

/// What a call costs at most with the model that is set up. A model on one's own machine costs
/// nothing unless a price was set for it.
pub fn at_most(db: &rusqlite::Connection, paid: &Paid) -> Result<CallCost, StoreError> {
    let Some(settings) = settings::get(db)? else {
        // Without a model nothing is asked.
        return Ok(CallCost::Free);
    };
    let own = crate::store::settings::get(db, prices::SETTING)?;
    let own = own.and_then(|v| prices::parse(&v).ok()).unwrap_or_default();
    let model = paid.model.as_deref().unwrap_or(&settings.model);
    let usage = Usage {
        input_tokens: paid.input_tokens,
        output_tokens: paid.output_tokens,
        ..Usage::default()
    };
    // Some providers ask more for what they put into their cache.
    let cached = Usage {
        cache_write_tokens: paid.input_tokens,
        ..usage
    };
    Ok(match prices::price(model, &own) {
        Some(price) => {
            let dearest =
                prices::cost_micros(price, &usage).max(prices::cost_micros(price, &cached));
            CallCost::AtMost(u64::try_from(dearest).unwrap_or(u64::MAX))
        }
        None if settings.is_local() => CallCost::Free,
        None => CallCost::Unknown,
    })
}

fn charge(tool: &'static str, call: &CallInfo) -> Charge {
    Charge {
        automation: Some(call.automation_key).filter(|key| *key > 0),
        run: call.run_key,
        task: None,
        purpose: Purpose::Tool(tool),
    }
}

fn tool_error(tool: &str, error: &ModelError) -> ToolError {
    let message = match error.body().hint.as_str() {
        "" => error.to_string(),
        hint => format!("{error} ({hint})"),
    };
    // It was asked again already; what a model cannot do is for the script to do otherwise.
    let class = match error {
        ModelError::BadReply(_) => FailureClass::Logic,
        error => error.class(),
    };
    let code = format!("model_{}", error.code());
    ToolError {
        retry_after_ms: error.retry_after_ms(),
        ..ToolError::not_done(class, &code, tool, message)
    }
}

fn turns(asking: &Asking) -> Vec<Turn> {
    let blocks: Vec<String> = asking
        .data
        .iter()
        .map(|(source, text)| outside(text, source))
        .collect();
    let media = asking
        .media
        .iter()
        .map(|(mime, bytes)| Media {
            mime: mime.clone(),
            base64: STANDARD.encode(bytes),
            name: None,
        })
        .collect();
    let mut turns = vec![Turn::User {
        text: format!("{}\n\n{}", asking.task, blocks.join("\n\n")),
        media,
    }];
    if let Some((before, wrong)) = &asking.corrected {
        turns.push(Turn::Model {
            text: before.clone(),
            calls: Vec::new(),
            opaque: None,
        });
        turns.push(Turn::user(format!(
            "That answer cannot be used: {wrong}. Give the whole answer again, corrected."
        )));
    }
    turns
}

impl ModelSource for Models {
    fn ask<'a>(
        &'a self,
        tool: &'static str,
        asking: Asking,
        call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<Answered, ToolError>> {
        Box::pin(async move {
            let question = Question {
                system: format!("{BOUND}\n\n{OUTSIDE_RULE}"),
                turns: turns(&asking),
                tools: Vec::new(),
                schema: asking.schema.clone(),
                max_tokens: asking.max_tokens,
            };
            // The attempt drops the whole call when its run is cancelled.
            let never = CancellationToken::new();
            let asked = self.ask(question, charge(tool, call), &never).await;
            let reply = asked.map_err(|e| tool_error(tool, &e))?;
            if !reply.calls.is_empty() {
                return Err(ToolError::not_done(
                    FailureClass::Logic,
                    "answer_unusable",
                    tool,
                    "the model wanted to call a tool instead of answering; nothing was called",
                ));
            }
            Ok(Answered {
                text: reply.text,
                cut_off: reply.stop == Stop::Length,
            })
        })
    }

    fn paint<'a>(
        &'a self,
        tool: &'static str,
        picture: &'a Painting,
        call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<(String, Vec<u8>), ToolError>> {
        Box::pin(async move {
            self.painted(tool, picture, call)
                .await
                .map_err(|error| tool_error(tool, &error.map_text(|text| self.redactor.text(text))))
        })
    }
}

/// What the images API of OpenAI answers.
#[derive(Deserialize)]
struct Painted {
    data: Vec<PaintedImage>,
    usage: Option<PaintedUsage>,
}

#[derive(Deserialize)]
struct PaintedImage {
    b64_json: Option<String>,
}

#[derive(Default, Deserialize)]
struct PaintedUsage {
    input_tokens: u64,
    output_tokens: u64,
}

impl Models {
    async fn painted(
        &self,
        tool: &'static str,
        picture: &Painting,
        call: &CallInfo,
    ) -> Result<(String, Vec<u8>), ModelError> {
        let (mut settings, key) = self.open().await?;
        if settings.provider != Provider::Openai {
            return Err(ModelError::BadRequest(
                "pictures are made through OpenAI's images API only, and another provider is set up"
                    .to_owned(),
            ));
        }
        settings.model.clone_from(&picture.model);
        let mut body = json!({"model": picture.model, "prompt": picture.prompt, "n": 1});
        if let Some(size) = &picture.size {
            body["size"] = json!(size);
        }
        let url = format!(
            "{}/images/generations",
            settings.base_url.trim_end_matches('/')
        );
        let mut request = self
            .plain
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(key) = &key {
            request = request.bearer_auth(key.as_str());
        }
        let sent = tokio::time::timeout(self.patience.whole, request.send()).await;
        let response = sent
            .map_err(|_| ModelError::Unreachable("no picture in time".to_owned()))?
            .map_err(|e| ModelError::Unreachable(e.without_url().to_string()))?;
        let status = response.status().as_u16();
        let asked = response.headers().get("retry-after");
        let retry_after_ms = asked
            .and_then(|value| value.to_str().ok())
            .and_then(crate::tools::retry_after);
        let bytes = response
            .bytes()
            .await
            .map_err(|e| ModelError::Unreachable(e.without_url().to_string()))?;
        if !(200..300).contains(&status) {
            return Err(refused(status, &bytes, retry_after_ms));
        }
        let painted: Painted =
            serde_json::from_slice(&bytes).map_err(|e| ModelError::BadReply(e.to_string()))?;
        let usage = painted.usage.unwrap_or_default();
        let usage = Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            ..Usage::default()
        };
        self.pay(&settings, usage, charge(tool, call)).await?;
        let base64 = painted.data.into_iter().find_map(|image| image.b64_json);
        let base64 =
            base64.ok_or_else(|| ModelError::BadReply("there is no picture".to_owned()))?;
        let bytes = STANDARD
            .decode(base64)
            .map_err(|e| ModelError::BadReply(format!("the picture is not base64: {e}")))?;
        let mime = image::guess_format(&bytes)
            .map(|format| format.to_mime_type().to_owned())
            .map_err(|e| ModelError::BadReply(format!("this is no picture: {e}")))?;
        Ok((mime, bytes))
    }
}

fn refused(status: u16, body: &[u8], retry_after_ms: Option<u64>) -> ModelError {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let message = match said["error"]["message"].as_str() {
        Some(message) => message.chars().take(300).collect(),
        None => format!("status {status}"),
    };
    match status {
        401 | 403 => ModelError::Auth(message),
        404 => ModelError::UnknownModel(message),
        429 => ModelError::RateLimited {
            message,
            retry_after_ms,
        },
        500..=599 => ModelError::Overloaded {
            message,
            retry_after_ms,
        },
        400 if said["error"]["code"] == "moderation_blocked" => ModelError::Refused(message),
        _ => ModelError::BadRequest(message),
    }
}
