//! Settings of the telephone side: the account, its numbers, and how the agent is reached.

use std::sync::Arc;

use secrecy::SecretString;

use super::reader::Reader;
use super::{AgentDial, Twilio};
use crate::call;
use crate::carrier::twilio::signature::Keys;
use crate::carrier::twilio::webhook::{is_identity, is_sid};

impl Reader<'_> {
    pub(super) fn twilio(&mut self) -> Option<Twilio> {
        let account_sid = self.required(
            "TWILIO_ACCOUNT_SID",
            "the Account SID from the Twilio console, AC…",
        );
        let account_sid = account_sid.and_then(|sid| {
            if is_sid(&sid, "AC") {
                return Some(sid);
            }
            self.mistake("TWILIO_ACCOUNT_SID", "it should be AC and 32 hexadecimal digits")
        });
        let token = self
            .required("TWILIO_AUTH_TOKEN", "the Auth Token from the Twilio console")
            .map(SecretString::from);
        let numbers = self.numbers();
        let api_key = (
            self.value("TWILIO_API_KEY_SID"),
            self.value("TWILIO_API_KEY_SECRET"),
        );
        let api_key = match api_key {
            (Some(sid), Some(secret)) => Some((sid, SecretString::from(secret))),
            (None, None) => None,
            (Some(_), None) => self.mistake(
                "TWILIO_API_KEY_SECRET",
                "it belongs to TWILIO_API_KEY_SID, which is set",
            ),
            (None, Some(_)) => self.mistake(
                "TWILIO_API_KEY_SID",
                "it belongs to TWILIO_API_KEY_SECRET, which is set",
            ),
        };
        let shared = self.webhook_keys();
        let api = self
            .value("TWILIO_API_URL")
            .unwrap_or_else(|| "https://api.twilio.com".into());
        let api = self.url("TWILIO_API_URL", &api);
        let signed = self.choice("TASKROUTER_SIGNATURE", &[("require", true), ("log", false)]);
        let (account_sid, token) = (account_sid?, token?);
        let mut tokens = vec![token.clone()];
        tokens.extend(self.value("TWILIO_AUTH_TOKEN_SECONDARY").map(SecretString::from));
        let (user, password) = api_key.unwrap_or_else(|| (account_sid.clone(), token));
        Some(Twilio {
            account_sid,
            user,
            password,
            keys: Keys {
                tokens,
                shared: shared?,
            },
            numbers: numbers?,
            api: api?,
            taskrouter_signed: signed?,
        })
    }

    /// The caller number first, then the further lanes.
    fn numbers(&mut self) -> Option<Vec<String>> {
        let first = self.required(
            "TWILIO_CALLER_NUMBER",
            "the number that agents are dialled from, +1555…",
        )?;
        let more = self.value("TWILIO_DIAL_NUMBERS").unwrap_or_default();
        let more = more.split(',').map(str::trim).filter(|number| !number.is_empty());
        let mut numbers = vec![first.clone()];
        for number in more {
            if !numbers.iter().any(|known| known == number) {
                numbers.push(number.to_owned());
            }
        }
        for number in &numbers {
            if !is_number(number) {
                let name = if *number == first {
                    "TWILIO_CALLER_NUMBER"
                } else {
                    "TWILIO_DIAL_NUMBERS"
                };
                return self.mistake(
                    name,
                    "write numbers as + and digits, several with commas: +15550100001",
                );
            }
        }
        Some(numbers)
    }

    fn webhook_keys(&mut self) -> Option<Vec<(String, SecretString)>> {
        let text = self.value("TWILIO_WEBHOOK_KEYS").unwrap_or_default();
        let mut keys = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((id, secret)) = pair
                .split_once(':')
                .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
            else {
                return self.mistake("TWILIO_WEBHOOK_KEYS", "write id:secret, several with commas");
            };
            keys.push((id.to_owned(), SecretString::from(secret)));
        }
        Some(keys)
    }

    pub(super) fn agent_dial(&mut self) -> Option<AgentDial> {
        let dial = self.value("AGENT_DIAL").unwrap_or_else(|| "flex".into());
        if let Some(identity) = dial.strip_prefix("client:") {
            if !is_identity(identity) {
                return self.mistake(
                    "AGENT_DIAL",
                    "after client: comes an identity of letters, digits and underscores",
                );
            }
            return Some(AgentDial::Client {
                identity: identity.to_owned(),
            });
        }
        if dial == "desk" {
            return Some(AgentDial::Desk);
        }
        if dial != "flex" {
            return self.mistake("AGENT_DIAL", "use flex, client:<identity> or desk");
        }
        let number = self.required(
            "TWILIO_FLEX_NUMBER",
            "the number whose webhook is /outbound-call, +1555…",
        );
        let number = number.and_then(|number| {
            if is_number(&number) {
                return Some(number);
            }
            self.mistake("TWILIO_FLEX_NUMBER", "write it as + and digits")
        });
        let workflow = self.required(
            "TWILIO_FLEX_WORKFLOW_SID",
            "the SID of the TaskRouter workflow, WW…",
        );
        let workflow = workflow.and_then(|sid| {
            if is_sid(&sid, "WW") {
                return Some(sid);
            }
            self.mistake(
                "TWILIO_FLEX_WORKFLOW_SID",
                "it should be WW and 32 hexadecimal digits",
            )
        });
        Some(AgentDial::Flex {
            number: number?,
            workflow_sid: workflow?,
        })
    }

    /// Every entry that is wrong is a mistake of its own.
    pub(super) fn agent_keys(&mut self) -> Option<Arc<call::Keys>> {
        let text = self.value("AGENT_KEYS").unwrap_or_else(|| "*8=toggle".into());
        match call::Keys::parse(&text) {
            Ok(keys) => Some(Arc::new(keys)),
            Err(bad) => {
                for entry in bad {
                    self.mistake::<()>("AGENT_KEYS", entry.to_string());
                }
                None
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
