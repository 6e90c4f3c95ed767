//! A TwiML document as a tree, and what is legal in it.
//!
//! [`parse`] reads well-formed XML with a `<Response>` root and refuses everything else; [`lint`] compares the tree with
//! the verbs and attributes that the simulation knows, and words each difference as a warning.
//! What the verbs do is in `interpreter`.

use quick_xml::{Reader, XmlVersion, events::BytesStart, events::Event};
use thiserror::Error;

/// The largest document that is accepted, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// One element with its text (trimmed), attributes and children, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Self>,
    pub text: String,
}

impl Element {
    /// The value of an attribute, if it is there (an empty value is there).
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The first child with this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// Why a document cannot be run, with the carrier's code for it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DocumentError {
    #[error("11750: the document has {0} bytes, more than 64 kB")]
    TooLarge(usize),
    #[error("12100: the document cannot be parsed: {0}")]
    Malformed(String),
    #[error("12100: the root element is <{0}>, not <Response>")]
    Root(String),
}

/// Parses one document.
pub fn parse(xml: &str) -> Result<Element, DocumentError> {
    if xml.len() > MAX_BYTES {
        return Err(DocumentError::TooLarge(xml.len()));
    }
    let malformed = |text: String| DocumentError::Malformed(text);
    if !xml.starts_with('<') {
        return Err(malformed("something stands before the first tag".to_owned()));
    }
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(|e| malformed(e.to_string()))? {
            Event::Start(tag) => open.push(start(&tag)?),
            Event::Empty(tag) => {
                let element = start(&tag)?;
                close(element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let element = open
                    .pop()
                    .ok_or_else(|| malformed("a closing tag too many".to_owned()))?;
                close(element, &mut open, &mut root)?;
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = entity(&reference)
                    .or_else(|| reference.resolve_char_ref().ok().flatten())
                    .ok_or_else(|| malformed(format!("unknown entity &{};", &*reference)))?;
                add_text(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) => {
                return Err(malformed("a document type is not allowed".to_owned()));
            }
            Event::Eof => break,
        }
    }
    let root: Element = root
        .filter(|_| open.is_empty())
        .ok_or_else(|| malformed("it ends too early".to_owned()))?;
    if root.name != "Response" {
        return Err(DocumentError::Root(root.name));
    }
    Ok(root)
}

fn start(tag: &BytesStart<'_>) -> Result<Element, DocumentError> {
    let malformed = |text: String| DocumentError::Malformed(text);
    let mut element = Element {
        name: tag.name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| malformed(e.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|e| malformed(e.to_string()))?;
        if value.contains('<') || attribute.value.contains('<') {
            return Err(malformed("an attribute holds a bare <".to_owned()));
        }
        element
            .attributes
            .push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn close(
    mut element: Element,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), DocumentError> {
    element.text = element.text.trim().to_owned();
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(DocumentError::Malformed("two root elements".to_owned())),
    }
    Ok(())
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), DocumentError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => {
            return Err(DocumentError::Malformed("text outside of the root".to_owned()));
        }
    }
    Ok(())
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Parent, element, its attributes: the part of TwiML that is simulated.
const LEGAL: &[(&str, &str, &[&str])] = &[
    ("Response", "Say", &["voice", "language", "loop"]),
    ("Response", "Pause", &["length"]),
    ("Response", "Play", &["loop", "digits"]),
    ("Response", "Redirect", &["method"]),
    ("Response", "Connect", &["action", "method"]),
    (
        "Connect",
        "Stream",
        &["url", "name", "track", "statusCallback", "statusCallbackMethod"],
    ),
    ("Stream", "Parameter", &["name", "value"]),
    (
        "Response",
        "Enqueue",
        &[
            "workflowSid",
            "action",
            "method",
            "waitUrl",
            "waitUrlMethod",
            "maxQueueSize",
        ],
    ),
    ("Enqueue", "Task", &["priority", "timeout"]),
    (
        "Response",
        "Dial",
        &[
            "action",
            "method",
            "timeout",
            "timeLimit",
            "callerId",
            "answerOnBridge",
            "hangupOnStar",
            "record",
        ],
    ),
    (
        "Dial",
        "Client",
        &[
            "url",
            "method",
            "statusCallback",
            "statusCallbackMethod",
            "statusCallbackEvent",
        ],
    ),
    ("Client", "Identity", &[]),
    ("Client", "Parameter", &["name", "value"]),
    ("Response", "Hangup", &[]),
    ("Response", "Reject", &["reason"]),
];

/// Every element and attribute that is not in the simulated part, in words.
pub fn lint(root: &Element) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((name, _)) = root.attributes.first() {
        found.push(format!("attribute {name} on <Response>"));
    }
    lint_children(root, &mut found);
    found
}

fn lint_children(parent: &Element, found: &mut Vec<String>) {
    for (position, element) in parent.children.iter().enumerate() {
        let Some((_, _, legal)) = LEGAL
            .iter()
            .find(|(p, e, _)| *p == parent.name && *e == element.name)
        else {
            found.push(format!("<{}> inside <{}>", element.name, parent.name));
            continue;
        };
        for (name, value) in &element.attributes {
            if !legal.contains(&name.as_str()) {
                found.push(format!("attribute {name}={value:?} on <{}>", element.name));
            }
        }
        if element.name == "Parameter" {
            let length: usize = element.attributes.iter().map(|(_, v)| v.chars().count()).sum();
            if length >= 500 {
                found.push(format!("a <Parameter> of {length} characters"));
            }
        }
        if element.name == "Reject" && position > 0 {
            found.push("<Reject> that is not the first verb".to_owned());
        }
        lint_children(element, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree_with_its_entities_resolved() {
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Say voice='a&amp;b'>x &lt; &#233; <!-- c --></Say>\
                   <Connect><Stream url=\"wss://h/p\"><Parameter name=\"n\" value=\"v\"/></Stream></Connect></Response>";
        let root = parse(xml).expect("well-formed");
        assert_eq!(root.children[0].text, "x < é");
        assert_eq!(root.children[0].attribute("voice"), Some("a&b"));
        let stream = root.children[1].child("Stream").expect("a stream");
        assert_eq!(stream.children[0].attribute("value"), Some("v"));
        assert_eq!(lint(&root), Vec::<String>::new());
    }

    #[test]
    fn broken_documents_are_refused() {
        for xml in [
            "",
            " <Response/>",
            "<Response>",
            "<Response></response>",
            "<Response><Say>&nbsp;</Say></Response>",
            "<Response/><Response/>",
            "<Response/>x",
            "<response/>",
            "<Response><Say a=b/></Response>",
            "<Response><Say>a & b</Say></Response>",
            "<!DOCTYPE x><Response/>",
        ] {
            assert!(parse(xml).is_err(), "{xml}");
        }
    }

    #[test]
    fn unknown_verbs_and_attributes_are_named() {
        let root =
            parse("<Response><Sing/><Say colour=\"red\">x</Say><Reject/></Response>").expect("well-formed");
        assert_eq!(
            lint(&root),
            [
                "<Sing> inside <Response>",
                "attribute colour=\"red\" on <Say>",
                "<Reject> that is not the first verb"
            ]
        );
    }
}
