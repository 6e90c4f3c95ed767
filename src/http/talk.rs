//! The files of `web/talk`: a leg in a browser, and the page of the demo.

use axum::http::HeaderMap;
use axum::response::Response;
use rust_embed::RustEmbed;

use super::files;

#[derive(RustEmbed)]
#[folder = "web/talk"]
struct Files;

/// A file of `web/talk`, or 304 if the browser has it; `None` if there is none of that name.
pub fn asset(path: &str, asked: &HeaderMap) -> Option<Response> {
    Files::get(path).map(|file| files::answer(file, asked))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn a_file_is_served_with_its_kind_and_is_not_sent_twice() {
        let mut asked = HeaderMap::new();
        let response = asset("leg.js", &asked).expect("a file");
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let tag = response.headers()["etag"].clone();
        asked.insert(header::IF_NONE_MATCH, tag);
        let again = asset("leg.js", &asked).expect("a file");
        assert_eq!(again.status(), 304);
        for strange in ["", "../leg.js", "/etc/passwd", "nothing.js"] {
            assert!(asset(strange, &HeaderMap::new()).is_none(), "{strange}");
        }
    }

    #[test]
    fn no_page_has_script_or_style_of_its_own() {
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            let page = Files::get(&name).expect("a file");
            let text = String::from_utf8(page.data.into_owned()).expect("text");
            assert!(!text.contains("<script>") && !text.contains("<style"), "{name}");
            assert!(!text.contains(" style=") && !text.contains(" onclick="), "{name}");
        }
        for name in Files::iter().filter(|name| name.ends_with(".js")) {
            let script = Files::get(&name).expect("a file");
            let text = String::from_utf8(script.data.into_owned()).expect("text");
            for word in ["innerHTML", "eval(", "document.write", "createScriptProcessor"] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }
}
