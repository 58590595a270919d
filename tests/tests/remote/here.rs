//! Devices on the agent's own machine need no relay.

use crate::client::App;
use crate::house::{House, remote};
use deputy_tests::{Home, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn without_a_relay_a_device_on_this_machine_pairs_and_stays_known_whatever_port_the_agent_gets() {
    let mut house = House::without_relay();
    let there = house.pair("terminal", "view,control,approve");
    remote(&there, &["status"]).done();
    house.agent.take().unwrap().kill9();
    house.agent = Some(house.home.start_with(&house.launch));
    let device = house.device(&there);
    // Where it listens now; the route is the same.
    let mut moved = device.clone();
    moved.relays[0].address = house.address();
    let app = App::of_device(&house, &there, moved);
    wait_until("the line", || app.is_open().then_some(()));
    house.home.cli(&["device", "revoke", "d1"]).done();
    wait_until("the end of the line", || (!app.is_open()).then_some(()));
    remote(&there, &["status"]).refused(3, "unreachable");
}

#[test]
fn where_nothing_listens_pairing_says_what_is_missing() {
    let home = Home::new();
    let agent = home.start();
    home.cli(&["config", "set", "listen", "\"off\""]).done();
    agent.kill9();
    let agent = home.start();
    home.cli(&["pair"]).refused(1, "no_relay");
    agent.kill9();
}

/// What the listener answers to a request; its first line.
fn answer(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![0; 4_096];
    let n = stream.read(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer[..n]);
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_page_of_another_site_cannot_open_a_session_and_a_route_of_nobody_is_none() {
    let house = House::without_relay();
    let there = house.pair("terminal", "view");
    let route = house.device(&there).relays[0].route;
    let address = house.address();
    let request = |host: &str, origin: &str, route: &str| {
        format!(
            "GET /session?route={route} HTTP/1.1\r\nHost: {host}\r\n{origin}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    let own = format!("Origin: http://{address}\r\n");
    let good = answer(&address, &request(&address, &own, &route.to_string()));
    assert!(good.contains(" 101 "), "{good}");
    for (host, origin, route, status) in [
        // Another site's page.
        (
            address.as_str(),
            "Origin: https://evil.example\r\n",
            route.to_string(),
            " 403 ",
        ),
        (
            address.as_str(),
            "Origin: null\r\n",
            route.to_string(),
            " 403 ",
        ),
        // Another agent's page on this machine is another site, too.
        (
            address.as_str(),
            "Origin: http://127.0.0.1:1\r\n",
            route.to_string(),
            " 403 ",
        ),
        // A name that was bound to this address.
        (
            "evil.example",
            "Origin: http://evil.example\r\n",
            route.to_string(),
            " 421 ",
        ),
        (address.as_str(), own.as_str(), "A".repeat(32), " 404 "),
        (address.as_str(), own.as_str(), "..".to_owned(), " 404 "),
    ] {
        let refused = answer(&address, &request(host, origin, &route));
        assert!(
            refused.contains(status),
            "{host} {origin} {route}: {refused}"
        );
    }
}

#[test]
fn the_page_is_served_with_what_protects_it() {
    let house = House::without_relay();
    let address = house.address();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).to_lowercase()
    };
    for path in ["/", "/runs/r1"] {
        let answer = get(path);
        assert!(
            answer.contains("content-security-policy: default-src 'none'"),
            "{answer}"
        );
        assert!(answer.contains("frame-ancestors 'none'"), "{answer}");
    }
    assert!(get("/assets/none.js").starts_with("http/1.1 404"));
    assert!(get("/../Cargo.toml").starts_with("http/1.1 404"));
}
