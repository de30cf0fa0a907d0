//! Request verification: every vector of `testdata/signing-vectors.json`, and what signing and verifying refuse.

use bellwire_core::sign::{
    Request, SIGNATURE, SIGNED_HEADERS, SecretError, SignError, TIMESTAMP, VerifyError, check_secret, sign,
    verify,
};
use serde_json::Value;

const NOW_MS: u64 = 1_603_379_941_037;
const TTL_MS: u64 = 30_000;
const SECRET: &str = "Qq7_-+/=Qq7_-+/=Qq7_-+/=Qq7_-+/=Qq7_-+/=Qq7_-+/=Qq7_-+/=Qq7_-+/=";

struct Vector {
    name: String,
    secret: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    signed: Value,
}

impl Vector {
    fn read(json: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let request = &json["request"];
        let headers = request["headers"].as_object().into_iter().flatten();
        Self {
            name: text(&json["name"]),
            secret: text(&json["secret"]),
            method: text(&request["method"]),
            path: text(&request["path"]),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: text(&request["body"]),
            signed: json["headers"].clone(),
        }
    }

    fn signed(&self, header: &str) -> &str {
        self.signed[header].as_str().unwrap()
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn request<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request { method: &self.method, path: &self.path, headers, body: self.body.as_bytes() }
    }
}

fn vectors() -> Vec<Vector> {
    let json: Value = serde_json::from_str(include_str!("../testdata/signing-vectors.json")).unwrap();
    assert_eq!(json["timestamp"], NOW_MS);
    json["vectors"].as_array().unwrap().iter().map(Vector::read).collect()
}

#[test]
fn every_vector_is_signed() {
    assert_eq!(vectors().len(), 13);
    for vector in vectors() {
        let mut names = [0; 512];
        let headers = vector.headers();
        let signed = sign(&vector.secret, &vector.request(&headers), NOW_MS, &mut names).unwrap();
        assert_eq!(signed.signed_headers, vector.signed(SIGNED_HEADERS), "{}", vector.name);
        assert_eq!(signed.timestamp.as_str(), vector.signed(TIMESTAMP), "{}", vector.name);
        assert_eq!(signed.signature.as_str(), vector.signed(SIGNATURE), "{}", vector.name);
    }
}

#[test]
fn every_vector_is_verified_and_no_change_of_it() {
    for vector in vectors() {
        let mut headers = vector.headers();
        headers.extend([SIGNATURE, SIGNED_HEADERS, TIMESTAMP].map(|name| (name, vector.signed(name))));
        // A header that was added on the way does not matter.
        headers.push(("X-Forwarded-For", "203.0.113.9"));
        let request = vector.request(&headers);
        let check = |request: &Request<'_>| verify(&vector.secret, request, NOW_MS + 1, TTL_MS);
        assert_eq!(check(&request), Ok(()), "{}", vector.name);

        let method = if vector.method == "PUT" { "POST" } else { "PUT" };
        let path = format!("{}x", vector.path.replace('?', "x?"));
        let changed = [
            Request { method, ..request },
            Request { path: &path, ..request },
            Request { body: b"other", ..request },
        ];
        for changed in changed {
            assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{}", vector.name);
        }
        let other_secret = "b".repeat(64);
        assert_eq!(
            verify(&other_secret, &request, NOW_MS, TTL_MS),
            Err(VerifyError::Mismatch),
            "{}",
            vector.name
        );
    }
}

/// Signs a request with `headers` and gives what `verify` says after `change` of the headers that arrive.
fn arrive(
    headers: &[(&str, &str)],
    change: impl FnOnce(&mut Vec<(String, String)>),
    now_ms: u64,
    ttl_ms: u64,
) -> Result<(), VerifyError> {
    let mut names = [0; 4096];
    let request = Request { method: "POST", path: "/hook?a=1", headers, body: b"{}" };
    let signed = sign(SECRET, &request, NOW_MS, &mut names).unwrap();
    let own = [
        (SIGNATURE, signed.signature.as_str()),
        (SIGNED_HEADERS, signed.signed_headers),
        (TIMESTAMP, signed.timestamp.as_str()),
    ];
    let all = headers.iter().chain(&own);
    let mut arrived = all.map(|(name, value)| (name.to_string(), value.to_string())).collect();
    change(&mut arrived);
    let arrived: Vec<(&str, &str)> =
        arrived.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    verify(SECRET, &Request { headers: &arrived, ..request }, now_ms, ttl_ms)
}

fn set(header: &str, value: &str) -> impl FnOnce(&mut Vec<(String, String)>) {
    move |headers| {
        for (_, old) in headers.iter_mut().filter(|(name, _)| name == header) {
            *old = value.to_string();
        }
    }
}

#[test]
fn a_signature_expires() {
    let unchanged = |_: &mut Vec<(String, String)>| {};
    assert_eq!(arrive(&[], unchanged, NOW_MS + TTL_MS - 1, TTL_MS), Ok(()));
    let expired = arrive(&[], unchanged, NOW_MS + TTL_MS, TTL_MS);
    assert_eq!(expired, Err(VerifyError::Expired { age_ms: TTL_MS }));
    assert_eq!(arrive(&[], unchanged, u64::MAX, 0), Ok(()), "0 allows any age");
    assert_eq!(arrive(&[], unchanged, 0, TTL_MS), Ok(()), "the sender's clock may be ahead");
}

#[test]
fn headers_arrive_in_any_case_and_order() {
    let headers = [("Content-Type", "application/json"), ("X-Contentful-Topic", " Entry.publish ")];
    let proxied = |headers: &mut Vec<(String, String)>| {
        headers.reverse();
        headers.iter_mut().for_each(|(name, _)| name.make_ascii_uppercase());
    };
    assert_eq!(arrive(&headers, proxied, NOW_MS, TTL_MS), Ok(()));
}

#[test]
fn a_missing_or_malformed_header_is_refused() {
    for header in [SIGNATURE, SIGNED_HEADERS, TIMESTAMP] {
        let gone = arrive(&[], |headers| headers.retain(|(name, _)| name != header), NOW_MS, TTL_MS);
        assert_eq!(gone, Err(VerifyError::Missing { header }));
        let twice = arrive(&[], |headers| headers.push((header.to_uppercase(), "1".into())), NOW_MS, TTL_MS);
        assert_eq!(twice, Err(VerifyError::Malformed { header }));
    }
    let upper = "3B21".repeat(16);
    let long = "3".repeat(65);
    let values = [
        (SIGNATURE, ["", "3b", &long, &upper, &"g".repeat(64)]),
        (TIMESTAMP, ["", "1577836800000", "+1603379941037", "1603379941037.0", "99999999999999999999"]),
        (SIGNED_HEADERS, ["", SIGNED_HEADERS, "a, b", "a,b c", "a\t,b"]),
    ];
    for (header, value) in
        values.iter().flat_map(|(header, values)| values.iter().map(move |value| (header, value)))
    {
        let answer = arrive(&[], set(header, value), NOW_MS, TTL_MS);
        assert_eq!(answer, Err(VerifyError::Malformed { header }), "{value:?}");
    }
}

#[test]
fn a_signed_header_must_be_there_unchanged_and_in_order() {
    let headers = [("b", "2"), ("a", "1")];
    assert_eq!(arrive(&headers, |_| {}, NOW_MS, TTL_MS), Ok(()));
    let mismatch = Err(VerifyError::Mismatch);
    assert_eq!(arrive(&headers, set("a", "3"), NOW_MS, TTL_MS), mismatch);
    assert_eq!(arrive(&headers, |headers| headers.retain(|(name, _)| name != "a"), NOW_MS, TTL_MS), mismatch);
    let list = format!("b,a,{SIGNED_HEADERS},{TIMESTAMP}");
    assert_eq!(arrive(&headers, set(SIGNED_HEADERS, &list), NOW_MS, TTL_MS), mismatch);
    assert_eq!(arrive(&headers, set(TIMESTAMP, "1603379941038"), NOW_MS, TTL_MS), mismatch);
    let duplicate = arrive(&headers, |headers| headers.push(("A".into(), "1".into())), NOW_MS, TTL_MS);
    assert_eq!(duplicate, Err(VerifyError::Request(SignError::DuplicateHeader)));
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let good = Request { method: "POST", path: "/", headers: &[], body: b"" };
    let refused = |request: Request<'_>| sign(SECRET, &request, NOW_MS, &mut [0; 4096]).unwrap_err();
    assert_eq!(refused(Request { method: "CONNECT", ..good }), SignError::Method);
    assert_eq!(refused(Request { path: "", ..good }), SignError::Path);
    assert_eq!(refused(Request { path: "hook", ..good }), SignError::Path);
    for name in ["", " ", "a,b", "a b", "a\u{feff}b"] {
        let headers = [("x", "1"), (name, "1")];
        assert_eq!(
            refused(Request { headers: &headers, ..good }),
            SignError::HeaderName { number: 1 },
            "{name:?}"
        );
    }
    let twice = [("X-A", "1"), ("x-a ", "1")];
    assert_eq!(refused(Request { headers: &twice, ..good }), SignError::DuplicateHeader);
    let names: Vec<String> = (0..63).map(|number| format!("h{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(refused(Request { headers: &many, ..good }), SignError::TooManyHeaders);
    assert!(sign(SECRET, &Request { headers: &many[1..], ..good }, NOW_MS, &mut [0; 4096]).is_ok());
    let list = SIGNED_HEADERS.len() + 1 + TIMESTAMP.len();
    assert!(sign(SECRET, &good, NOW_MS, &mut vec![0; list]).is_ok());
    assert_eq!(sign(SECRET, &good, NOW_MS, &mut vec![0; list - 1]), Err(SignError::BufferTooSmall));
}

#[test]
fn stale_headers_of_a_signature_are_replaced() {
    let stale = [("X-Contentful-Signature", "old"), ("x-contentful-timestamp", "1"), (SIGNED_HEADERS, "a,b")];
    let request = Request { method: "POST", path: "/", headers: &stale, body: b"" };
    let (mut with, mut without) = ([0; 256], [0; 256]);
    let signed = sign(SECRET, &request, NOW_MS, &mut with);
    assert_eq!(signed, sign(SECRET, &Request { headers: &[], ..request }, NOW_MS, &mut without));
}

#[test]
fn names_sort_by_utf16_code_unit() {
    // U+1F514 is written with surrogates, which come before U+FF41.
    let headers = [("\u{ff41}", "1"), ("\u{1f514}", "2"), ("Ä", "3"), ("Z", "4")];
    let request = Request { method: "POST", path: "/", headers: &headers, body: b"" };
    let mut names = [0; 256];
    let signed = sign(SECRET, &request, NOW_MS, &mut names).unwrap();
    assert_eq!(signed.signed_headers, format!("{SIGNED_HEADERS},{TIMESTAMP},z,ä,\u{1f514},\u{ff41}"));
}

#[test]
fn a_secret_has_64_characters_of_base_64() {
    assert_eq!(check_secret(SECRET), Ok(()));
    assert_eq!(check_secret(""), Err(SecretError::Length { found: 0 }));
    assert_eq!(check_secret(&SECRET[1..]), Err(SecretError::Length { found: 63 }));
    assert_eq!(check_secret(&format!("{SECRET}a")), Err(SecretError::Length { found: 65 }));
    assert_eq!(check_secret(&SECRET.replacen('7', ".", 1)), Err(SecretError::Character { offset: 2 }));
    assert_eq!(check_secret(&"ä".repeat(32)), Err(SecretError::Character { offset: 0 }));
    let error =
        sign("short", &Request { method: "GET", path: "/", headers: &[], body: b"" }, NOW_MS, &mut []);
    assert_eq!(error, Err(SignError::Secret(SecretError::Length { found: 5 })));
}
