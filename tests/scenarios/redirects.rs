//! Open redirects: whatever the path, the login ends on the host that was requested.

use url::{Url, form_urlencoded};

use crate::support::harness::Harness;
use crate::support::world::{World, ada};

/// Paths that some URL parser has read as an address elsewhere.
const HOSTILE: &str = include_str!("../vectors/open_redirects.txt");

pub fn the_way_back_is_on_the_host_that_was_asked_for<H: Harness>() {
    let mut world = World::<H>::new();
    let mut tried = 0;
    for path in HOSTILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut browser = world.browser();
        let head = [(":path", path), ("accept", "text/html")];
        let reply = world.send(&mut browser, "https://acme.example/", &head).reply();
        // Envoy reads these as no path, or as an address in absolute form.
        if matches!(reply.status, 400 | 404) {
            continue;
        }
        assert_eq!(reply.status, 302, "{path}");
        let dotted = world.send(&mut world.browser(), "https://acme.example./", &head).reply();
        let expected = format!("https://acme.example{}", path.split('#').next().unwrap());
        assert_eq!(dotted.header("location"), Some(&*expected));
        let address = reply.header("location").unwrap().to_owned();
        let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
        // A parameter of the callback does not choose the target, either.
        let parameter: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let reply = world.open(&mut browser, &format!("{callback}&rd={parameter}&url={parameter}")).reply();
        let back = reply.header("location").unwrap();
        assert_eq!(back, expected);
        assert_eq!(
            Url::parse(back).unwrap().origin().ascii_serialization(),
            "https://acme.example",
            "{path} leads to {back}"
        );
        tried += 1;
    }
    assert!(tried >= 150, "only {tried}");
}
