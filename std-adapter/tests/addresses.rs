//! The URL rules and the address guard, row by row: `testdata/addresses.json`.

use std::net::IpAddr;

use bellwire::net::{AddressPolicy, URL_BYTES_MAX, UrlError, check_url, is_public};
use proptest::prelude::*;
use serde_json::Value;
use url::Host;

fn rows() -> Vec<Value> {
    serde_json::from_str(include_str!("../testdata/addresses.json")).expect("the rows are JSON")
}

/// The word a row uses for a refusal.
fn kind(error: &UrlError) -> &'static str {
    match error {
        UrlError::TooLong => "too_long",
        UrlError::Character => "character",
        UrlError::Fragment => "fragment",
        UrlError::UserInfo => "user_info",
        UrlError::Scheme => "scheme",
        UrlError::Syntax(_) => "syntax",
        UrlError::Port(_) => "port",
        UrlError::Localhost(_) => "localhost",
        UrlError::Host(_) => "host",
        UrlError::Blocked(_) => "blocked",
        UrlError::PointerInAuthority => "pointer",
        UrlError::DotSegment => "dot_segment",
    }
}

/// What a row says about a verdict: the word, and the reason of a blocked address.
fn verdict(result: &Result<url::Url, UrlError>) -> (&'static str, Option<String>) {
    match result {
        Ok(_) => ("allowed", None),
        Err(UrlError::Blocked(blocked)) => ("blocked", Some(blocked.reason.to_string())),
        Err(error) => (kind(error), None),
    }
}

#[test]
fn every_row_gets_its_verdict() {
    for row in rows() {
        let url = row["url"].as_str().unwrap();
        let expected = (row["expect"].as_str().unwrap(), row["reason"].as_str().map(str::to_owned));
        assert_eq!(verdict(&check_url(url, AddressPolicy::PublicOnly)), expected, "{url:?}");
    }
}

#[test]
fn a_closed_network_may_be_called_but_the_text_must_still_be_clear() {
    for row in rows() {
        let url = row["url"].as_str().unwrap();
        let expected = match row["expect"].as_str().unwrap() {
            "blocked" | "localhost" | "host" | "port" => "allowed",
            text => text,
        };
        assert_eq!(verdict(&check_url(url, AddressPolicy::AllowPrivate)).0, expected, "{url:?}");
    }
}

#[test]
fn a_long_url_is_refused_by_its_length() {
    let longest = format!("https://example.com/{}", "a".repeat(URL_BYTES_MAX - 20));
    assert!(check_url(&longest, AddressPolicy::PublicOnly).is_ok());
    assert_eq!(check_url(&(longest + "a"), AddressPolicy::PublicOnly), Err(UrlError::TooLong));
}

/// The IPv4 rules once more, spelled out octet by octet.
fn obviously_public(octets: [u8; 4]) -> bool {
    !matches!(
        octets,
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

/// The first octets around the special blocks, so that random addresses meet them.
fn octets() -> impl Strategy<Value = [u8; 4]> {
    let first = prop_oneof![any::<u8>(), Just(100), Just(169), Just(172), Just(192), Just(198), Just(203)];
    let second = prop_oneof![any::<u8>(), Just(0), Just(51), Just(88), Just(168), Just(254), 15u8..=20];
    let third = prop_oneof![any::<u8>(), 0u8..=2, 99u8..=113];
    (first, second, third, any::<u8>()).prop_map(|(a, b, c, d)| [a, b, c, d])
}

proptest! {
    #[test]
    fn ipv4_verdicts_agree_with_the_obvious_version(octets in octets()) {
        prop_assert_eq!(is_public(IpAddr::from(octets)).is_ok(), obviously_public(octets));
    }

    #[test]
    fn a_wrapped_ipv4_address_is_never_judged_milder(octets in octets()) {
        let [a, b, c, d] = octets.map(u32::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        for wrapped in [
            format!("::ffff:{high:x}:{low:x}"),
            format!("::{high:x}:{low:x}"),
            format!("64:ff9b::{high:x}:{low:x}"),
            format!("2002:{high:x}:{low:x}::1"),
            format!("2001:0:{high:x}:{low:x}::f7f7:f7f7"),
            format!("2001:0:808:808::{:x}:{:x}", high ^ 0xffff, low ^ 0xffff),
            format!("2a00:1450::5efe:{high:x}:{low:x}"),
        ] {
            let address: IpAddr = wrapped.parse().unwrap();
            prop_assert!(is_public(address).is_err() || obviously_public(octets), "{}", wrapped);
        }
    }

    #[test]
    fn what_is_allowed_is_never_this_machine(text in "https?://[a-z0-9.:@/?#\\\\\\[\\]%x-]{0,24}") {
        if let Ok(url) = check_url(&text, AddressPolicy::PublicOnly) {
            let public = match url.host() {
                Some(Host::Ipv4(v4)) => is_public(v4.into()).is_ok(),
                Some(Host::Ipv6(v6)) => is_public(v6.into()).is_ok(),
                Some(Host::Domain(name)) => name.contains('.') && !name.contains("localhost"),
                None => false,
            };
            prop_assert!(public, "{} became {}", text, url);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = check_url(&text, AddressPolicy::PublicOnly);
        let _ = check_url(&format!("https://{text}"), AddressPolicy::AllowPrivate);
    }
}
