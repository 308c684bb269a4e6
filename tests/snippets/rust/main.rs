//! Verifies the assertions of its input, `jwks audience assertion` a line, with the example.
use std::error::Error;
use std::io::stdin;

use serde_json::{Value, json};

fn verify(jwks: &str, audience: &str, assertion: &str) -> Result<Value, Box<dyn Error>> {
    // EXAMPLE
    Ok(json!({ "sub": claims.sub, "tenant": claims.tenant }))
}

fn main() {
    for line in stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let result = match verify(words[0], words[1], words[2]) {
            Ok(claims) => json!({ "claims": claims }),
            Err(error) if error.is::<ureq::Error>() => panic!("{error}"),
            Err(error) => json!({ "refused": error.to_string() }),
        };
        println!("{result}");
    }
}
