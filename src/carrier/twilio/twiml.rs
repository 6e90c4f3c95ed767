//! The documents that we answer with (Twilio docs, TwiML), written through one escaping writer.

use std::fmt::Write as _;

use crate::language::Language;
use crate::phrase::Phrase;

/// A document under construction: `<Response>` and the verbs in it.
#[derive(Debug)]
pub struct Document {
    text: String,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"),
        }
    }
}

/// What `<Enqueue>` needs.
#[derive(Clone, Copy, Debug)]
pub struct Enqueue<'a> {
    pub workflow_sid: &'a str,
    /// Where the queue's end is reported.
    pub action: &'a str,
    /// How long the task may wait, in seconds.
    pub timeout: Option<u64>,
    /// A JSON object.
    pub task: &'a str,
}

/// What `<Connect><Stream>` needs.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    pub url: &'a str,
    pub name: &'a str,
    pub status_callback: &'a str,
    pub token: &'a str,
}

impl Document {
    /// One of our sentences, in the language of the one who hears it.
    pub fn say(mut self, phrase: Phrase, language: &'static Language) -> Self {
        let (text, voice) = phrase.spoken_in(language);
        match voice {
            Some(say) => self.open("Say", &[("language", say.language), ("voice", say.voice)]),
            None => self.open("Say", &[]),
        }
        self.text(text);
        self.close("Say");
        self
    }

    pub fn connect(mut self, stream: Stream<'_>) -> Self {
        self.open("Connect", &[]);
        self.open(
            "Stream",
            &[
                ("url", stream.url),
                ("name", stream.name),
                ("statusCallback", stream.status_callback),
            ],
        );
        self.open("Parameter", &[("name", "token"), ("value", stream.token)]);
        self.close("Parameter");
        self.close("Stream");
        self.close("Connect");
        self
    }

    pub fn redirect(mut self, url: &str) -> Self {
        self.open("Redirect", &[("method", "POST")]);
        self.text(url);
        self.close("Redirect");
        self
    }

    pub fn enqueue(mut self, enqueue: Enqueue<'_>) -> Self {
        // An empty waitUrl keeps the queue's music off the line; the caller hears our own hold audio.
        let (sid, action) = (enqueue.workflow_sid, enqueue.action);
        self.open(
            "Enqueue",
            &[("workflowSid", sid), ("action", action), ("waitUrl", "")],
        );
        let timeout = enqueue.timeout.map(|seconds| seconds.to_string());
        match &timeout {
            Some(seconds) => self.open("Task", &[("timeout", seconds)]),
            None => self.open("Task", &[]),
        }
        self.text(enqueue.task);
        self.close("Task");
        self.close("Enqueue");
        self
    }

    pub fn hangup(mut self) -> Self {
        self.text.push_str("<Hangup/>");
        self
    }

    pub fn reject(mut self) -> Self {
        self.text.push_str("<Reject/>");
        self
    }

    /// The finished document.
    pub fn finish(mut self) -> String {
        self.text.push_str("</Response>");
        self.text
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"");
            self.text(value);
            self.text.push('"');
        }
        self.text.push('>');
    }

    fn close(&mut self, name: &str) {
        let _ = write!(self.text, "</{name}>");
    }

    fn text(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                // Not allowed in XML 1.0 in any form.
                '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                other => self.text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_the_documented_verbs() {
        let stream = Stream {
            url: "wss://h/intercept",
            name: "caller",
            status_callback: "https://h/stream-status",
            token: "t",
        };
        let spanish = Language::find("spanish").expect("in the table");
        let document = Document::default()
            .say(Phrase::Connecting, spanish)
            .connect(stream)
            .redirect("https://h/after-stream?call=1&leg=caller");
        assert_eq!(
            document.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say language=\"es-US\" voice=\"Polly.Lupe-Neural\">Un momento, \
             por favor. Le comunicamos con un intérprete y un agente.</Say><Connect><Stream url=\"wss://h/intercept\" name=\"caller\" \
             statusCallback=\"https://h/stream-status\"><Parameter name=\"token\" value=\"t\"></Parameter></Stream></Connect><Redirect \
             method=\"POST\">https://h/after-stream?call=1&amp;leg=caller</Redirect></Response>"
        );
        let enqueue = Enqueue {
            workflow_sid: "WW1",
            action: "/dequeued",
            timeout: Some(900),
            task: r#"{"name":"<&>"}"#,
        };
        assert_eq!(
            Document::default().enqueue(enqueue).finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Enqueue workflowSid=\"WW1\" action=\"/dequeued\" waitUrl=\"\"><Task \
             timeout=\"900\">{&quot;name&quot;:&quot;&lt;&amp;&gt;&quot;}</Task></Enqueue></Response>"
        );
    }

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let evil = "\"><Dial>+1900</Dial>\0\u{1b}'";
        let stream = Stream {
            url: evil,
            name: evil,
            status_callback: evil,
            token: evil,
        };
        let document = Document::default()
            .connect(stream)
            .redirect(evil)
            .hangup()
            .reject()
            .finish();
        assert!(!document.contains("<Dial>") && !document.contains('\0') && !document.contains('\u{1b}'));
        let mut reader = quick_xml::Reader::from_str(&document);
        loop {
            match reader.read_event().expect("well-formed") {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) => assert_ne!(tag.name().as_ref(), "Dial"),
                _ => {}
            }
        }
    }
}
