//! Names and addresses: what the guard lets through at connect, whatever was checked before.

use std::net::IpAddr;
use std::sync::Arc;

use bellwire::net::{
    AddressPolicy, ClientSettings, Exchange, HttpClient, LookupError, ScriptedResolver, SystemResolver,
    checked_addresses,
};
use bellwire_core::call::Outcome;
use serde_json::Value;
use url::Url;

use crate::receiver::{Receiver, post};

const PUBLIC: &str = "93.184.215.14";
const LOOPBACK: &str = "127.0.0.1";

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn client(policy: AddressPolicy, resolver: &Arc<ScriptedResolver>) -> HttpClient {
    let resolver = Arc::clone(resolver);
    HttpClient::new(ClientSettings { policy, resolver, ..ClientSettings::default() }).unwrap()
}

/// A call to `host` at the port of `receiver`.
async fn call(client: &HttpClient, host: &str, receiver: &Receiver) -> Exchange {
    let url = format!("http://{host}:{}/", receiver.address.port());
    client.send(post(Url::parse(&url).unwrap())).await
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_each_connection() {
    let (receiver, requests) = Receiver::recording().await;
    let resolver = Arc::new(ScriptedResolver::new().with("hooks.example", &addresses(&[LOOPBACK])));
    let client = client(AddressPolicy::AllowPrivate, &resolver);
    for _ in 0..2 {
        assert_eq!(
            call(&client, "hooks.example", &receiver).await.outcome,
            Outcome::Response { status: 200 }
        );
    }
    assert_eq!((resolver.lookups(), receiver.connections()), (1, 1));
    let host = format!("Host: hooks.example:{}\r\n", receiver.address.port());
    assert!(requests.lock().unwrap().iter().all(|request| request.contains(&host)));
}

/// A name is refused when any of its addresses is: `testdata/names.json`.
#[tokio::test]
async fn every_answer_of_a_name_is_judged() {
    let (receiver, _) = Receiver::recording().await;
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../testdata/names.json")).unwrap();
    for row in rows {
        let answers: Vec<&str> = row["answers"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        let resolver = Arc::new(ScriptedResolver::new().with("name.example", &addresses(&answers)));
        let checked = checked_addresses(resolver.as_ref(), "name.example", AddressPolicy::PublicOnly).await;
        let expected = match row["expect"].as_str().unwrap() {
            "allowed" => {
                assert_eq!(checked.unwrap(), addresses(&answers));
                continue;
            }
            "blocked" => Outcome::BlockedAddress,
            _ => Outcome::NameResolution,
        };
        assert!(checked.is_err(), "{answers:?}");
        let exchange = call(&client(AddressPolicy::PublicOnly, &resolver), "name.example", &receiver).await;
        assert_eq!(exchange.outcome, expected, "{answers:?}");
        assert!(exchange.error.unwrap().starts_with("The name name.example "), "{answers:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_private_after_its_check_is_refused_at_connect() {
    let (receiver, _) = Receiver::recording().await;
    let script = ScriptedResolver::new().with("turn.example", &addresses(&[PUBLIC]));
    let resolver = Arc::new(script.with("turn.example", &addresses(&[LOOPBACK])));
    let checked = checked_addresses(resolver.as_ref(), "turn.example", AddressPolicy::PublicOnly).await;
    assert_eq!(checked.unwrap(), addresses(&[PUBLIC]));
    let exchange = call(&client(AddressPolicy::PublicOnly, &resolver), "turn.example", &receiver).await;
    assert_eq!(exchange.outcome, Outcome::BlockedAddress);
    assert_eq!((resolver.lookups(), receiver.connections()), (2, 0));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_a_name_resolution_failure() {
    let (receiver, _) = Receiver::recording().await;
    let resolver = Arc::new(ScriptedResolver::new().with("empty.example", &[]));
    let client = client(AddressPolicy::PublicOnly, &resolver);
    for host in ["unknown.example", "empty.example"] {
        let exchange = call(&client, host, &receiver).await;
        assert_eq!(exchange.outcome, Outcome::NameResolution, "{host}");
        assert_eq!(exchange.error, Some(format!("The name {host} has no address")));
    }
}

#[tokio::test]
async fn the_systems_own_names_for_this_machine_are_refused() {
    let (receiver, _) = Receiver::recording().await;
    let client = HttpClient::new(ClientSettings::default()).unwrap();
    let exchange = call(&client, "localhost", &receiver).await;
    assert_eq!(exchange.outcome, Outcome::BlockedAddress, "{exchange:?}");
    let answer = checked_addresses(&SystemResolver::new(), "localhost", AddressPolicy::PublicOnly).await;
    assert!(matches!(answer, Err(LookupError::BlockedName { .. })));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn addresses_in_urls_are_judged_at_connect_too() {
    let (receiver, _) = Receiver::recording().await;
    let client = HttpClient::new(ClientSettings::default()).unwrap();
    for host in [LOOPBACK, "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1."] {
        assert_eq!(call(&client, host, &receiver).await.outcome, Outcome::BlockedAddress, "{host}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn every_address_that_a_url_check_blocks_is_blocked_without_it() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../testdata/addresses.json")).unwrap();
    let client = HttpClient::new(ClientSettings::default()).unwrap();
    for row in rows.iter().filter(|row| row["expect"] == "blocked") {
        let url = Url::parse(row["url"].as_str().unwrap()).unwrap();
        let exchange = client.send(post(url.clone())).await;
        assert_eq!(exchange.outcome, Outcome::BlockedAddress, "{url}");
        let reason = row["reason"].as_str().unwrap();
        assert!(exchange.error.is_some_and(|error| error.ends_with(reason)), "{url}");
    }
}
