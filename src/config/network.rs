//! Settings of the way that requests come.

use std::net::IpAddr;

use ipnet::IpNet;

use super::reader::Reader;

impl Reader<'_> {
    /// The proxies that are believed when they say where a request comes from.
    pub(super) fn trusted_proxies(&mut self) -> Option<Vec<IpNet>> {
        let text = self.value("TRUSTED_PROXIES").unwrap_or_default();
        let mut networks = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let address = entry.parse::<IpAddr>().map(|one| IpNet::from(one.to_canonical()));
            let Ok(network) = address.or_else(|_| entry.parse::<IpNet>()) else {
                return self.mistake(
                    "TRUSTED_PROXIES",
                    "it should be addresses or networks such as 10.0.0.7 or 10.0.0.0/8, with commas",
                );
            };
            if network.prefix_len() == 0 {
                return self.mistake(
                    "TRUSTED_PROXIES",
                    "a network of all addresses would let everybody say who they are; name your proxies",
                );
            }
            networks.push(network);
        }
        Some(networks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let source = |name: &str| (name == "TRUSTED_PROXIES").then(|| text.to_owned());
        let mut reader = Reader {
            source: &source,
            mistakes: Vec::new(),
        };
        match reader.trusted_proxies() {
            Some(networks) => Ok(networks.iter().map(ToString::to_string).collect()),
            None => Err(reader.mistakes.remove(0).to_string()),
        }
    }

    #[test]
    fn proxies_are_addresses_or_networks_and_never_everybody() {
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(
            read(" 10.0.0.7, 192.168.0.0/16,fd00::/8 ,::1,::ffff:10.0.0.8"),
            Ok([
                "10.0.0.7/32",
                "192.168.0.0/16",
                "fd00::/8",
                "::1/128",
                "10.0.0.8/32"
            ]
            .map(str::to_owned)
            .to_vec())
        );
        for wrong in [
            "proxy.example.com",
            "10.0.0.0/33",
            "10.0.0",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.1:80",
        ] {
            let mistake = read(wrong).expect_err("a mistake");
            assert!(mistake.starts_with("TRUSTED_PROXIES: "), "{wrong}: {mistake}");
        }
    }
}
