//! Who sends a request: the address of a person, not that of a proxy in front.
//!
//! Everything that counts people asks here. A proxy adds the address that a request came to it from at the end of
//! `X-Forwarded-For`, or of `Forwarded` (RFC 7239); whatever stands before what our own proxies have added may be invented.
//! So the client is the rightmost address that is not one of theirs (`TRUSTED_PROXIES`), and only a peer that is one is
//! believed at all.

use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// Entries of these headers that are looked at, from the right: more proxies than anybody has.
const HOPS_MAX: usize = 32;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request comes from, as far as those can be believed who say so. `trusted`: `TRUSTED_PROXIES`.
///
/// If both headers are there and disagree, a stranger has sent one of them, and the request counts as the proxy's own.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let peer = peer.to_canonical();
    if !is_ours(peer) {
        hint(peer, headers, trusted);
        return peer;
    }
    let listed = headers.contains_key(FORWARDED_FOR).then(|| {
        let hops = entries(headers, FORWARDED_FOR, |text| {
            text.split(',').map(str::trim).collect()
        });
        client(peer, hops.into_iter().map(address), &is_ours)
    });
    let forwarded = headers.contains_key(header::FORWARDED).then(|| {
        let hops = entries(headers, header::FORWARDED.as_str(), |text| split(text, ','));
        client(peer, hops.into_iter().map(forwarded_for), &is_ours)
    });
    match (listed, forwarded) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// From the right to the first that is not ours. What cannot be read is nobody: the proxy that wrote it counts.
fn client(
    peer: IpAddr,
    hops: impl DoubleEndedIterator<Item = Option<IpAddr>>,
    is_ours: &impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut client = peer;
    for hop in hops.rev().take(HOPS_MAX) {
        let Some(hop) = hop else { break };
        client = hop;
        if !is_ours(hop) {
            break;
        }
    }
    client
}

/// The entries of a list that may come in several headers (RFC 9110, 5.3).
fn entries<'a>(headers: &'a HeaderMap, name: &str, split: impl Fn(&'a str) -> Vec<&'a str>) -> Vec<&'a str> {
    let values = headers.get_all(name).iter();
    values
        .flat_map(|value| split(value.to_str().unwrap_or_default()))
        .collect()
}

/// The parts of a text between separators, of which those in quotation marks are none.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    parts.map(str::trim).collect()
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|both| both.ip());
    let in_brackets = || {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse::<IpAddr>().ok()
    };
    bare.or_else(with_port)
        .or_else(in_brackets)
        .map(|address| address.to_canonical())
}

/// The `for` of one element of `Forwarded`; `unknown` and names that hide somebody are nobody (RFC 7239, 6).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';')
        .into_iter()
        .filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

/// Tells once that there seems to be a proxy that nobody has named.
fn hint(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) {
    static HINT: Once = Once::new();
    let near = match peer {
        IpAddr::V4(peer) => peer.is_private() || peer.is_loopback(),
        IpAddr::V6(peer) => peer.is_unique_local() || peer.is_loopback(),
    };
    let forwarded = headers.contains_key(FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
    if near && forwarded && trusted.is_empty() {
        HINT.call_once(|| {
            tracing::warn!(
                %peer,
                "sign-ins come through a proxy; set TRUSTED_PROXIES to its address, so that people are told apart"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn told(peer: &str, sent: &[(&'static str, &'static str)]) -> String {
        let trusted = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8:1::/48"];
        let trusted: Vec<IpNet> = trusted
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        client_address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    const LISTED: &str = "x-forwarded-for";

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_ours() {
        for (list, client) in [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 192.0.2.1, 10.2.3.4", "203.0.113.9"),
            ("10.9.9.9, 10.2.3.4", "10.9.9.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8:2::1]:443", "2001:db8:2::1"),
            ("[2001:db8:2::1]", "2001:db8:2::1"),
            ("2001:db8:2::1, 2001:db8:1::5", "2001:db8:2::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, unknown", "10.0.0.1"),
            ("203.0.113.9, 10.2.3.4, nonsense, 192.0.2.1", "192.0.2.1"),
            ("203.0.113.9,", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(told("10.0.0.1", &[(LISTED, list)]), client, "{list}");
        }
        let both = [(LISTED, "198.51.100.1"), (LISTED, "203.0.113.9")];
        assert_eq!(
            told("10.0.0.1", &both),
            "203.0.113.9",
            "several headers are one list"
        );
        assert_eq!(told("::ffff:10.0.0.1", &[(LISTED, "203.0.113.9")]), "203.0.113.9");
        assert_eq!(told("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(told("198.51.100.7", &[(LISTED, "203.0.113.9")]), "198.51.100.7");
        assert_eq!(
            told("198.51.100.7", &[("forwarded", "for=203.0.113.9")]),
            "198.51.100.7"
        );
        let both = [(LISTED, "203.0.113.9"), ("forwarded", "for=198.51.100.1")];
        assert_eq!(told("10.0.0.1", &both), "10.0.0.1", "one of them is a stranger's");
    }

    #[test]
    fn the_standard_header_is_understood_too() {
        for (list, client) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"203.0.113.9:4711\";proto=https;by=10.0.0.1", "203.0.113.9"),
            ("for=198.51.100.1, for=\"[2001:db8:2::1]:80\"", "2001:db8:2::1"),
            (
                "for=203.0.113.9;host=\"a,b;for=1.2.3.4\", for=10.5.5.5",
                "203.0.113.9",
            ),
            ("for=203.0.113.9, for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(told("10.0.0.1", &[("forwarded", list)]), client, "{list}");
        }
        let both = [(LISTED, "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(told("10.0.0.1", &both), "203.0.113.9");
    }
}
