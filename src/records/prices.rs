//! What interpreting a call costs, from what its engines reported and a table of prices.
//!
//! A model whose price is not known costs `None`, never nothing: a deployment's own name, another vendor's model, or
//! usage of a kind that the table has no price for. Sums are exact and are rounded once, at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::call::Usage;

/// When the prices below were read.
const READ: &str = "2026-11-20";

/// What [`Prices::date`] says once a setting has changed something.
const SET: &str = "set by PRICES";

/// OpenAI's list, written as the setting is: dollars for a million tokens (in, cached, out), or for a minute of audio.
const LIST: &str = "
    gpt-realtime-2.1: text=4.00/0.40/24.00, audio=32.00/0.40/64.00;
    gpt-realtime-2: text=4.00/0.40/24.00, audio=32.00/0.40/64.00;
    gpt-realtime-2.1-mini: text=0.60/0.06/2.40, audio=10.00/0.30/20.00;
    gpt-realtime-1.5: text=4.00/0.40/16.00, audio=32.00/0.40/64.00;
    gpt-realtime-translate: minute=0.034;
    gpt-realtime-whisper: minute=0.017;
    gpt-live-transcribe: minute=0.017;
    gpt-transcribe: minute=0.0045;
    whisper-1: minute=0.006";

/// Decimals of a price: millionths of a dollar.
const DECIMALS: usize = 6;

/// Digits before the point: more is a slip of the pen, and sums stay far from overflowing.
const WHOLE_DIGITS: usize = 6;

/// Millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl fmt::Display for Micros {
    /// Dollars with all six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What models cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// When they were read, or that they were set.
    pub date: String,
    models: BTreeMap<String, Price>,
}

impl Default for Prices {
    /// OpenAI's list prices. Models are found by their exact names.
    fn default() -> Self {
        Self {
            date: READ.into(),
            // A mistake here would leave nothing priced; the tests read the table.
            models: parse(LIST).unwrap_or_default(),
        }
    }
}

impl Prices {
    /// The list with changes such as
    /// `gpt-realtime-2.1:text=4/0.4/24,audio=32/0.4/64;gpt-realtime-translate:minute=0.034`. A model that is named is
    /// priced anew as a whole: by tokens (both `text` and `audio`, each as in/cached/out) or by the minute.
    ///
    /// # Errors
    /// The piece that cannot be read, and what would be right.
    pub fn with(overrides: &str) -> Result<Self, String> {
        let mut prices = Self::default();
        let set = parse(overrides)?;
        if !set.is_empty() {
            prices.date = SET.into();
            prices.models.extend(set);
        }
        Ok(prices)
    }

    /// The cost of a session that is billed by tokens, and of writing down what it heard by the model `transcription`.
    /// `None` if either has no price of that kind, or something was written down by nobody knows whom.
    ///
    /// Transcription is priced by its seconds alone: where it was reported in tokens, its price is not known.
    pub fn tokens(&self, model: &str, usage: &Usage, transcription: Option<&str>) -> Option<Micros> {
        let Price::Tokens { text, audio } = self.models.get(model)? else {
            return None;
        };
        let spoken = text.cost(usage.text_in, usage.text_in_cached, usage.text_out)
            + audio.cost(usage.audio_in, usage.audio_in_cached, usage.audio_out);
        let written = match transcription {
            Some(_) if usage.transcribed_tokens > 0 => return None,
            Some(model) => self.by_minute(model, usage.transcribed_seconds)?,
            None if usage.transcribed_tokens > 0 || usage.transcribed_seconds != 0.0 => return None,
            None => 0,
        };
        rounded(spoken + written)
    }

    /// The cost of so much audio for a model that is billed by its duration. A dedicated session is billed for what was
    /// appended to it; whether the transcription inside it is billed too is not documented, so count that as extra.
    /// `None` if the model has no such price, or for seconds that are negative or no number.
    pub fn minutes(&self, model: &str, seconds: f64) -> Option<Micros> {
        rounded(self.by_minute(model, seconds)?)
    }

    /// In millionths of [`Micros`].
    fn by_minute(&self, model: &str, seconds: f64) -> Option<u128> {
        let Price::Minute(price) = self.models.get(model)? else {
            return None;
        };
        let nanos = Duration::try_from_secs_f64(seconds).ok()?.as_nanos();
        Some(nanos.checked_mul(u128::from(*price))? / 60_000)
    }
}

/// How a model is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Price {
    Tokens {
        text: Rate,
        audio: Rate,
    },
    /// [`Micros`] for a minute.
    Minute(u64),
}

/// [`Micros`] for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    fresh: u64,
    cached: u64,
    out: u64,
}

impl Rate {
    /// In millionths of [`Micros`]. `read` counts all that was read, with what was cached.
    fn cost(self, read: u64, cached: u64, out: u64) -> u128 {
        let cached = cached.min(read);
        let of = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        of(read - cached, self.fresh) + of(cached, self.cached) + of(out, self.out)
    }
}

/// Half up, from millionths of [`Micros`].
fn rounded(millionths: u128) -> Option<Micros> {
    let micros = (millionths + 500_000) / 1_000_000;
    u64::try_from(micros).ok().map(Micros)
}

fn parse(list: &str) -> Result<BTreeMap<String, Price>, String> {
    let mut models = BTreeMap::new();
    for piece in list.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
        // Names may hold colons, prices do not.
        let named = piece.rsplit_once(':').map(|(model, price)| (model.trim(), price));
        let Some((model, price)) = named.filter(|(model, _)| !model.is_empty()) else {
            return Err(format!("{piece:?}: write a model, a colon and its price"));
        };
        let price = Price::parse(price).map_err(|why| format!("{piece:?}: {why}"))?;
        if models.insert(model.to_owned(), price).is_some() {
            return Err(format!("{model:?} is priced twice"));
        }
    }
    Ok(models)
}

impl Price {
    fn parse(text: &str) -> Result<Self, String> {
        let (mut tokens, mut audio, mut minute) = (None, None, None);
        for part in text.split(',').map(str::trim) {
            let (kind, value) = part.split_once('=').unwrap_or((part, ""));
            let twice = match kind.trim() {
                "text" => tokens.replace(Rate::parse(value)?).is_some(),
                "audio" => audio.replace(Rate::parse(value)?).is_some(),
                "minute" => minute.replace(dollars(value)?).is_some(),
                _ => return Err(format!("{part:?} is none of text=…, audio=… and minute=…")),
            };
            if twice {
                return Err(format!("{part:?} comes second"));
            }
        }
        match (tokens, audio, minute) {
            (Some(text), Some(audio), None) => Ok(Self::Tokens { text, audio }),
            (None, None, Some(minute)) => Ok(Self::Minute(minute)),
            _ => Err("give both text and audio, or minute alone".into()),
        }
    }
}

impl Rate {
    fn parse(text: &str) -> Result<Self, String> {
        let prices: Vec<_> = text.split('/').collect();
        let [fresh, cached, out] = prices[..] else {
            return Err(format!("{text:?} is not in/cached/out, such as 4/0.4/24"));
        };
        Ok(Self {
            fresh: dollars(fresh)?,
            cached: dollars(cached)?,
            out: dollars(out)?,
        })
    }
}

/// Reads dollars as [`Micros`], without going through binary fractions.
fn dollars(text: &str) -> Result<u64, String> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = [whole, part].concat();
    let fits = !whole.is_empty() && whole.len() <= WHOLE_DIGITS && part.len() <= DECIMALS;
    let micros = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| {
        let zeros = "0".repeat(DECIMALS.saturating_sub(part.len()));
        (digits + zeros.as_str()).parse()
    });
    match micros {
        Some(Ok(micros)) if fits => Ok(micros),
        _ => Err(format!("{text:?} is no price in dollars, such as 4 or 0.0045")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> Usage {
        Usage {
            text_in: 1_000,
            text_in_cached: 400,
            audio_in: 3_000,
            audio_in_cached: 1_000,
            text_out: 200,
            audio_out: 500,
            ..Usage::default()
        }
    }

    #[test]
    fn the_list_has_every_price_as_it_was_read() {
        let prices = Prices::default();
        assert_eq!(prices.date, "2026-11-20");
        assert_eq!(prices.models.len(), 9);
        let million = 1_000_000;
        let cost = |model: &str, usage: Usage| prices.tokens(model, &usage, None).unwrap().0;
        #[rustfmt::skip]
        let tokens = [
            ("gpt-realtime-2.1", [4_000_000, 400_000, 24_000_000, 32_000_000, 400_000, 64_000_000]),
            ("gpt-realtime-2", [4_000_000, 400_000, 24_000_000, 32_000_000, 400_000, 64_000_000]),
            ("gpt-realtime-2.1-mini", [600_000, 60_000, 2_400_000, 10_000_000, 300_000, 20_000_000]),
            ("gpt-realtime-1.5", [4_000_000, 400_000, 16_000_000, 32_000_000, 400_000, 64_000_000]),
        ];
        for (model, [text, text_cached, text_out, audio, audio_cached, audio_out]) in tokens {
            let none = Usage::default();
            let of = |usage| cost(model, usage);
            assert_eq!(
                of(Usage {
                    text_in: million,
                    ..none
                }),
                text
            );
            let cached = Usage {
                text_in: million,
                text_in_cached: million,
                ..none
            };
            assert_eq!(of(cached), text_cached, "{model}");
            assert_eq!(
                of(Usage {
                    text_out: million,
                    ..none
                }),
                text_out
            );
            assert_eq!(
                of(Usage {
                    audio_in: million,
                    ..none
                }),
                audio
            );
            let cached = Usage {
                audio_in: million,
                audio_in_cached: million,
                ..none
            };
            assert_eq!(of(cached), audio_cached, "{model}");
            assert_eq!(
                of(Usage {
                    audio_out: million,
                    ..none
                }),
                audio_out
            );
        }
        for (model, minute) in [
            ("gpt-realtime-translate", 34_000),
            ("gpt-realtime-whisper", 17_000),
            ("gpt-live-transcribe", 17_000),
            ("gpt-transcribe", 4_500),
            ("whisper-1", 6_000),
        ] {
            assert_eq!(prices.minutes(model, 60.0), Some(Micros(minute)), "{model}");
        }
    }

    #[test]
    fn cached_tokens_are_a_part_of_those_read_and_cost_less() {
        // 600×4 + 400×0.4 + 200×24 + 2000×32 + 1000×0.4 + 500×64
        let cost = Prices::default().tokens("gpt-realtime-2.1", &usage(), None);
        assert_eq!(cost, Some(Micros(103_760)));
        let nonsense = Usage {
            text_in: 1,
            text_in_cached: 9,
            ..Usage::default()
        };
        // One cached token is 0.4 millionths of a dollar.
        assert_eq!(
            Prices::default().tokens("gpt-realtime-2.1", &nonsense, None),
            Some(Micros(0))
        );
    }

    #[test]
    fn transcription_is_added() {
        let usage = Usage {
            transcribed_seconds: 90.0,
            ..usage()
        };
        let cost = |name| Prices::default().tokens("gpt-realtime-2.1", &usage, name);
        assert_eq!(cost(Some("gpt-transcribe")), Some(Micros(103_760 + 6_750)));
        assert_eq!(cost(None), None, "somebody has written, and we do not know who");
    }

    #[test]
    fn what_has_no_price_is_not_free() {
        let prices = Prices::default();
        let nothing = Usage::default();
        assert_eq!(prices.tokens("my-deployment", &nothing, None), None);
        assert_eq!(
            prices.tokens("gpt-realtime-2.1", &nothing, Some("my-whisper")),
            None
        );
        assert_eq!(
            prices.tokens("gpt-realtime-2.1", &nothing, Some("whisper-1")),
            Some(Micros(0))
        );
        assert_eq!(prices.tokens("gpt-realtime-translate", &nothing, None), None);
        assert_eq!(prices.minutes("gpt-realtime-2.1", 1.0), None);
        assert_eq!(prices.minutes("GPT-REALTIME-TRANSLATE", 1.0), None);
        let in_tokens = Usage {
            transcribed_tokens: 26,
            ..nothing
        };
        for transcription in [None, Some("gpt-transcribe")] {
            assert_eq!(prices.tokens("gpt-realtime-2.1", &in_tokens, transcription), None);
        }
        for seconds in [-1.0, f64::NAN, f64::INFINITY, f64::MAX] {
            assert_eq!(prices.minutes("whisper-1", seconds), None, "{seconds}");
        }
    }

    #[test]
    fn a_sum_is_rounded_once_and_half_up() {
        let prices = Prices::with("a:text=0.5/0.4/0.1,audio=0/0/0;b:minute=0.00006").unwrap();
        let cost = |text_in, text_in_cached, seconds| {
            let usage = Usage {
                text_in,
                text_in_cached,
                transcribed_seconds: seconds,
                ..Usage::default()
            };
            prices.tokens("a", &usage, Some("b")).unwrap().0
        };
        assert_eq!(cost(1, 0, 0.0), 1, "0.5");
        assert_eq!(cost(1, 1, 0.0), 0, "0.4");
        assert_eq!(cost(1, 1, 0.1), 1, "0.4 and 0.1, each of which alone is nothing");
        assert_eq!(cost(3, 1, 0.0), 1, "1.4");
        assert_eq!(prices.minutes("b", 0.5), Some(Micros(1)));
        assert_eq!(prices.minutes("b", 0.499), Some(Micros(0)));
    }

    #[test]
    fn the_largest_usage_neither_overflows_nor_lies() {
        let most = u64::MAX;
        let usage = Usage {
            text_in: most,
            audio_in: most,
            text_out: most,
            audio_out: most,
            ..Usage::default()
        };
        let dear = "a:text=999999/999999/999999,audio=999999/999999/999999;b:minute=999999";
        let prices = Prices::with(dear).unwrap();
        assert_eq!(prices.tokens("a", &usage, None), None);
        assert_eq!(prices.minutes("b", 1e19), None);
    }

    #[test]
    fn a_setting_changes_and_adds_models() {
        let set = " gpt-realtime-translate : minute = 0.05 ; my:deployment:text=1/0.5/2, audio=10/.00/3;";
        assert!(Prices::with(set).unwrap_err().contains("\".00\""));
        let prices = Prices::with(&set.replace(".00/3", "0.000001/3")).unwrap();
        assert_eq!(prices.date, "set by PRICES");
        assert_eq!(
            prices.minutes("gpt-realtime-translate", 60.0),
            Some(Micros(50_000))
        );
        assert_eq!(prices.minutes("whisper-1", 60.0), Some(Micros(6_000)));
        let usage = Usage {
            audio_in: 2_000_000,
            audio_in_cached: 1_000_000,
            ..Usage::default()
        };
        assert_eq!(
            prices.tokens("my:deployment", &usage, None),
            Some(Micros(10_000_001))
        );
        assert_eq!(Prices::with(" ; "), Ok(Prices::default()));
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named() {
        for (set, named) in [
            ("gpt", "\"gpt\": write a model"),
            (":minute=1", "\":minute=1\": write a model"),
            ("a:", "\"\" is none of"),
            ("a:hour=1", "\"hour=1\" is none of"),
            ("a:minute=1;b:minute=one", "\"b:minute=one\": \"one\" is no price"),
            ("a:minute=-1", "\"-1\""),
            ("a:minute=+1", "\"+1\""),
            ("a:minute=1e3", "\"1e3\""),
            ("a:minute=NaN", "\"NaN\""),
            ("a:minute=1.2.3", "\"1.2.3\""),
            ("a:minute=٣", "\"٣\""),
            ("a:minute=0.0000001", "\"0.0000001\""),
            ("a:minute=1000000", "\"1000000\""),
            ("a:minute=", "\"\" is no price"),
            ("a:text=1/2,audio=1/2/3", "\"1/2\" is not in/cached/out"),
            ("a:text=1/2/3", "both text and audio"),
            ("a:text=1/2/3,audio=1/2/3,minute=1", "minute alone"),
            ("a:minute=1,minute=2", "\"minute=2\" comes second"),
            ("a:minute=1;a:minute=2", "\"a\" is priced twice"),
        ] {
            let why = Prices::with(set).unwrap_err();
            assert!(why.contains(named), "{set}: {why}");
        }
    }

    #[test]
    fn money_reads_as_dollars() {
        assert_eq!(Micros(1_034_000).to_string(), "1.034000");
        assert_eq!(Micros(7).to_string(), "0.000007");
    }
}
