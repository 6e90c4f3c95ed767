//! E-mail addresses and the domains in them: one strict parser, and one form in which they are compared.
//!
//! An address is a dot-atom (RFC 5322, 3.2.3), one `@`, and a host name of at least two labels. Whatever else the standards
//! allow (quotes, comments, literals, addresses beyond ASCII before the `@`) is refused: providers of identities do not use
//! it, and what one program reads otherwise than another can be used to come in. Everything is lower case; a domain of
//! another script is kept as it is asked for in the DNS (`xn--…`, UTS #46), so that both ways of writing it are one.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Bytes before the `@` (RFC 5321, 4.5.3.1.1), and of the whole (the path of 4.5.3.1.3 without its brackets).
const LOCAL_MAX: usize = 64;
const ADDRESS_MAX: usize = 254;

/// What a dot-atom may have beside letters and digits.
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";

/// An address in the form in which addresses are compared: ASCII, lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    /// Where the domain begins.
    domain: usize,
}

impl Address {
    /// Reads an address; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let (local, host) = text.split_once('@')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ATEXT.contains(c);
        let atoms = local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(plain));
        if !atoms || local.len() > LOCAL_MAX {
            return None;
        }
        let host = domain(host)?;
        let text = format!("{}@{host}", local.to_ascii_lowercase());
        let domain = local.len() + 1;
        (text.len() <= ADDRESS_MAX).then_some(Self { text, domain })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is after the `@`.
    pub fn domain(&self) -> &str {
        &self.text[self.domain..]
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A domain in the form in which domains are compared; `None` if it is no host name of at least two labels, or is written
/// with characters that stand for others or for nothing.
pub fn domain(text: &str) -> Option<String> {
    let uts46 = Uts46::new();
    let bytes = text.as_bytes();
    let host = uts46.to_ascii(bytes, AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    let host = host.ok()?.into_owned();
    let last = host.rsplit_once('.')?.1;
    // An address of four numbers is no name.
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (readable, whole) = uts46.to_unicode(host.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    let written = text.to_lowercase();
    (whole.is_ok() && (written == readable || written == host)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        for (written, kept, host) in [
            ("Ana@Example.com", "ana@example.com", "example.com"),
            (
                "o'neil+desk.1@mail.example.co.uk",
                "o'neil+desk.1@mail.example.co.uk",
                "mail.example.co.uk",
            ),
            ("a@b.c1", "a@b.c1", "b.c1"),
            (
                "ana@Bücher.Example",
                "ana@xn--bcher-kva.example",
                "xn--bcher-kva.example",
            ),
            (
                "ana@XN--bcher-kva.example",
                "ana@xn--bcher-kva.example",
                "xn--bcher-kva.example",
            ),
            (
                "ana@例子.测试",
                "ana@xn--fsqu00a.xn--0zwm56d",
                "xn--fsqu00a.xn--0zwm56d",
            ),
            (
                "ana@उदाहरण.परीक्षा",
                "ana@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g",
                "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g",
            ),
        ] {
            let address = Address::read(written).expect(written);
            assert_eq!((address.as_str(), address.domain()), (kept, host));
            assert_eq!(Address::read(kept), Some(address));
        }
    }

    #[test]
    fn what_is_not_plainly_an_address_is_none() {
        let (long_local, long_label) = ("a".repeat(65), "b".repeat(64));
        let long = format!("{}@{}.com", "a".repeat(64), "b.".repeat(100));
        for wrong in [
            "",
            "boss",
            "@",
            "@corp.com",
            "ana@",
            "ana@corp",
            "a@evil.com@corp.com",
            "a@@corp.com",
            "\"a@evil.com\"@corp.com",
            "\"ana\"@corp.com",
            "ana(me)@corp.com",
            "ana@corp.com(me)",
            "Ana <ana@corp.com>",
            "ana@corp.com,",
            "ana@corp.com, b@corp.com",
            "ana;b@corp.com",
            "a\0@corp.com",
            "ana@corp.com\0",
            "ana@evil.com\0.corp.com",
            "ana@corp.com\n",
            "ana\n@corp.com",
            "ana@evil.com\n@corp.com",
            "ana@evil.com\r\n.corp.com",
            " ana@corp.com",
            "ana@corp.com ",
            "ana @corp.com",
            "ana@ corp.com",
            "ana\t@corp.com",
            "ana\u{a0}@corp.com",
            "a\\@b@corp.com",
            ".ana@corp.com",
            "ana.@corp.com",
            "a..b@corp.com",
            "ana@.corp.com",
            "ana@corp.com.",
            "ana@corp..com",
            "ana@-corp.com",
            "ana@corp-.com",
            "ana@co_rp.com",
            "ana@corp.com/x",
            "ana@corp.com:25",
            "ana@[127.0.0.1]",
            "ana@127.0.0.1",
            "ana@[IPv6:::1]",
            "ana@evil.com%corp.com",
            "ana@corp\u{ff0e}com",
            "ana@corp\u{3002}com",
            "ana@co\u{ad}rp.com",
            "ana@co\u{200b}rp.com",
            "ana@\u{202e}moc.proc",
            "ana@ｃorp.com",
            "ana\u{ff20}corp.com",
            "an\u{e1}@corp.com",
            "ana@xn--a.com",
            "ana@xn--.com",
            &format!("{long_local}@corp.com"),
            &format!("a@{long_label}.com"),
            &long,
        ] {
            assert_eq!(Address::read(wrong), None, "{wrong:?}");
        }
    }
}
