//! Kept events: listed, read, and explained for each webhook.

use serde_json::json;

use super::support::{Endpoint, SPACE, Server};

fn link(id: &str) -> serde_json::Value {
    json!({"sys": {"type": "Link", "id": id}})
}

#[tokio::test]
async fn events_are_listed_newest_first_and_read_whole() {
    let server = Server::start().await;
    server.webhook("all", &json!({"name": "all", "url": "https://example.com/", "topics": ["*.*"]})).await;
    for id in ["a", "b", "c"] {
        let payload = json!({"sys": {"id": id, "environment": link("staging")}, "n": 1.50});
        server.publish("Entry.publish", &payload).await.ok();
    }
    let path = format!("/spaces/{SPACE}/events");
    let page = server.get(&format!("{path}?limit=2")).await.ok();
    let entities: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|event| event["entity"].as_str().unwrap()).collect();
    assert_eq!(entities, ["c", "b"]);
    assert_eq!(page["items"][0]["webhooks"][0]["sys"]["id"], "all");
    assert_eq!(page["items"][0]["sys"]["environment"]["sys"]["id"], "staging");
    let rest = server.get(&format!("{path}?limit=2&before={}", page["next"].as_str().unwrap())).await.ok();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]["entity"]), (1, &json!("a")));
    assert!(rest.get("next").is_none());
    let id = rest["items"][0]["sys"]["id"].as_str().unwrap();
    let event = server.get(&format!("{path}/{id}")).await.ok();
    assert_eq!(event["payload"]["sys"]["id"], "a");
    server.get(&format!("{path}/0000000000000000000000")).await.error(404, "NotFound");
    server.get(&format!("{path}?before=yesterday")).await.error(400, "InvalidQuery");
}

#[tokio::test]
async fn every_webhook_s_reason_is_said_with_both_values() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let definition = |topic: &str, filters: serde_json::Value, active: bool| json!({"name": "w", "url": endpoint.url(), "topics": [topic], "filters": filters, "active": active});
    let master = json!([{"equals": [{"doc": "sys.id"}, "e"]}, {"equals": [{"doc": "sys.environment.sys.id"}, "master"]}]);
    server.webhook("fires", &definition("Entry.*", json!([]), true)).await;
    server.webhook("elsewhere", &definition("Asset.*", json!([]), true)).await;
    server.webhook("filtered", &definition("*.publish", master, true)).await;
    server.webhook("off", &definition("*.*", json!([]), false)).await;
    let made = server
        .publish("Entry.publish", &json!({"sys": {"id": "e", "environment": link("staging")}}))
        .await
        .ok();
    let path = format!("/spaces/{SPACE}/events/{}/explain", made["sys"]["id"].as_str().unwrap());
    let explained = server.get(&path).await.ok();
    let reasons: Vec<(&str, bool, &str)> = explained["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let id = item["webhook"]["sys"]["id"].as_str().unwrap();
            (id, item["matched"].as_bool().unwrap(), item["reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        reasons,
        [
            ("fires", true, "its topic Entry.* takes the event in, and every filter holds"),
            ("elsewhere", false, "none of its topics takes the event in"),
            ("filtered", false, "filter 2: sys.environment.sys.id is \"staging\", wanted \"master\""),
            ("off", false, "the webhook is inactive"),
        ]
    );
    assert_eq!(explained["items"][2]["filter"]["number"], 1);
    // Looking is for readers; publishers may not.
    let publisher = server.token("publish").await;
    let headers = [("Authorization", &*format!("Bearer {publisher}"))];
    server.send(hyper::Method::GET, &path, &headers, "").await.error(403, "AccessDenied");
}
