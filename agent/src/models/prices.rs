//! What tokens cost: a table as data (`prices.json`), which the user's setting `models.prices`
//! overrides. A model that neither knows costs an unknown amount, never a guessed one.

use super::talk::Usage;
use serde::Deserialize;
use serde_json::Value;
use std::sync::OnceLock;

/// The setting that overrides the table: a list of [`Price`]s.
pub const SETTING: &str = "models.prices";

/// What a model's tokens cost, in micro-USD per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model's name without its date.
    pub model: String,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's cache; as `input` when absent.
    pub cached_input: Option<u64>,
    /// Tokens written into the provider's cache; as `input` when absent.
    pub cache_write: Option<u64>,
}

#[derive(Deserialize)]
struct Table {
    prices: Vec<Price>,
}

fn table() -> &'static [Price] {
    static TABLE: OnceLock<Vec<Price>> = OnceLock::new();
    TABLE.get_or_init(|| {
        serde_json::from_str::<Table>(include_str!("prices.json"))
            .map(|table| table.prices)
            .unwrap_or_default()
    })
}

/// Reads the user's own prices.
pub fn parse(setting: &Value) -> Result<Vec<Price>, String> {
    serde_json::from_value(setting.clone()).map_err(|e| e.to_string())
}

/// The price of a model: the user's, else the table's.
pub(super) fn price<'a>(model: &str, own: &'a [Price]) -> Option<&'a Price> {
    best(model, own).or_else(|| best(model, table()))
}

fn best<'a>(model: &str, prices: &'a [Price]) -> Option<&'a Price> {
    // Gateways put the maker in front: `anthropic/claude-…`.
    let name = model.rsplit('/').next().unwrap_or(model);
    prices
        .iter()
        .filter(|price| is_of(name, &price.model) || is_of(model, &price.model))
        .max_by_key(|price| price.model.len())
}

/// Whether a model is the one of a row: the same name, or that name with a date or a release after
/// it. `gpt-5-pro` is not `gpt-5`.
fn is_of(name: &str, row: &str) -> bool {
    let Some(rest) = name.strip_prefix(row) else {
        return false;
    };
    let Some(release) = rest.strip_prefix(['-', '@']) else {
        return rest.is_empty();
    };
    let digits = release.bytes().take_while(u8::is_ascii_digit).count();
    digits >= 3 || release.starts_with("latest") || release.starts_with("preview")
}

/// What an answer cost, in micro-USD, rounded up.
pub(super) fn cost_micros(price: &Price, usage: &Usage) -> i64 {
    let cached = usage.cached_tokens.min(usage.input_tokens);
    let written = usage
        .cache_write_tokens
        .min(usage.input_tokens.saturating_sub(cached));
    let fresh = usage.input_tokens - cached - written;
    let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
    let sum = part(fresh, price.input)
        + part(cached, price.cached_input.unwrap_or(price.input))
        + part(written, price.cache_write.unwrap_or(price.input))
        + part(usage.output_tokens, price.output);
    i64::try_from(sum.div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_row_is_reached_by_its_own_name_and_by_a_dated_one() {
        assert!(table().len() > 20, "the table is read");
        for row in table() {
            for name in [
                row.model.clone(),
                format!("{}-20990101", row.model),
                format!("maker/{}", row.model),
            ] {
                assert_eq!(price(&name, &[]), Some(row), "{name}");
            }
            assert!(row.output >= row.input && row.input > 0, "{}", row.model);
            assert!(
                row.cached_input.is_some_and(|c| c < row.input),
                "{}",
                row.model
            );
        }
    }

    #[test]
    fn another_model_is_not_priced_as_its_sibling() {
        for name in [
            "gpt-5-pro",
            "gpt-5.9",
            "claude-opus-4-9",
            "gpt-4o-audio",
            "llama3.2:3b",
            "",
        ] {
            assert_eq!(price(name, &[]), None, "{name}");
        }
    }

    #[test]
    fn the_users_own_price_counts_before_the_table() {
        let own = parse(&json!([{"model": "gpt-5", "input": 7, "output": 9}])).unwrap();
        assert_eq!(price("gpt-5-2025-08-07", &own).unwrap().input, 7);
        assert!(parse(&json!([{"model": "m", "input": 1, "output": 1, "per": "day"}])).is_err());
    }

    #[test]
    fn cached_tokens_cost_what_cached_tokens_cost() {
        let price = parse(&json!([{"model": "m", "input": 3_000_000, "output": 15_000_000, "cached_input": 300_000, "cache_write": 3_750_000}])).unwrap().remove(0);
        let usage = Usage {
            input_tokens: 1_000,
            output_tokens: 10,
            cached_tokens: 800,
            cache_write_tokens: 100,
        };
        // 100 fresh, 800 from the cache, 100 into it, 10 written.
        assert_eq!(cost_micros(&price, &usage), 300 + 240 + 375 + 150);
    }

    proptest! {
        #[test]
        fn a_cost_is_never_negative_and_never_falls_with_more_output(input in any::<u64>(), output in 0..u64::MAX, cached in any::<u64>(), written in any::<u64>()) {
            let price = &table()[0];
            let usage = Usage { input_tokens: input, output_tokens: output, cached_tokens: cached, cache_write_tokens: written };
            let more = Usage { output_tokens: output + 1, ..usage };
            prop_assert!(cost_micros(price, &usage) >= 0);
            prop_assert!(cost_micros(price, &more) >= cost_micros(price, &usage));
        }
    }
}
