//! `image.generate`: a picture from words, through OpenAI's images API or a server that speaks it.

use crate::clock::BoxFuture;
use crate::tools::{
    Bytes, CallInfo, Operation, OutsideEnv, OutsideOperation, Paid, Painting, Resource, ToolError,
};
use deputy_protocol::EffectClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `image.generate`
pub(crate) struct Generate;

/// The picture that is wanted.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerateInput {
    /// What it shows, in words of the script's own.
    prompt: String,
    /// Its size, e.g. `1024x1024`, of those that the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<String>,
    /// The model; `gpt-image-1` when nothing is said.
    #[serde(default = "usual")]
    model: String,
}

fn usual() -> String {
    "gpt-image-1".to_owned()
}

/// The picture.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct GenerateOutput {
    /// Its bytes.
    bytes: Bytes,
    /// Its media type.
    content_type: String,
}

/// The longest prompt, in characters.
const MAX_PROMPT: usize = 4_000;

/// The most tokens that one picture is counted as.
const PICTURE: u64 = 8_000;

impl Operation for Generate {
    type Input = GenerateInput;
    type Output = GenerateOutput;
    const NAME: &'static str = "image.generate";
    const SUMMARY: &'static str = "Has a model make a picture from words, where the provider that is set up speaks OpenAI's images API. Costs money.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const PAID: bool = true;

    fn resources(input: &GenerateInput) -> Result<Vec<Resource>, ToolError> {
        if input.prompt.trim().is_empty() || input.prompt.chars().count() > MAX_PROMPT {
            return Err(ToolError::invalid_input(
                Self::NAME,
                format!("`prompt` has 1 to {MAX_PROMPT} characters"),
            ));
        }
        let is_size = |size: &str| {
            size == "auto"
                || size.split_once('x').is_some_and(|(width, height)| {
                    width.parse::<u16>().is_ok() && height.parse::<u16>().is_ok()
                })
        };
        if !input.size.as_deref().is_none_or(is_size) {
            return Err(ToolError::invalid_input(
                Self::NAME,
                "`size` is written as 1024x1024",
            ));
        }
        Ok(Vec::new())
    }

    fn paid(input: &GenerateInput) -> Option<Paid> {
        Some(Paid {
            input_tokens: 100 + input.prompt.len() as u64 / 2,
            output_tokens: PICTURE,
            model: Some(input.model.clone()),
        })
    }

    fn title(input: &GenerateInput) -> String {
        format!("A picture: {}", input.prompt)
    }
}

impl OutsideOperation for Generate {
    fn run<'a>(
        input: GenerateInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<GenerateOutput, ToolError>> {
        Box::pin(async move {
            let picture = Painting {
                prompt: input.prompt,
                size: input.size,
                model: input.model,
            };
            let (content_type, bytes) = env.models.paint(Self::NAME, &picture, call).await?;
            Ok(GenerateOutput {
                bytes: Bytes(bytes),
                content_type,
            })
        })
    }
}
