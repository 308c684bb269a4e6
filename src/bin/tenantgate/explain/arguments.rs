//! The command line of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::Map;

use super::{Explainer, Identity, Person, read_json, run_cases};
use crate::browser::{NAVIGATION, Request};
use crate::cli::variable;
use crate::variables::Variables;

/// What to explain.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with the configuration, as for `check`.
    file: PathBuf,
    /// The method, unless it is GET, and the path: `GET /admin/x`.
    #[arg(value_name = "METHOD PATH", num_args = 0..=2, required_unless_present = "cases")]
    request: Vec<String>,
    /// The host of the request.
    #[arg(long, required_unless_present = "cases")]
    host: Option<String>,
    /// The user name, in the claim that the tenant uses for it.
    #[arg(long)]
    user: Option<String>,
    /// The verified e-mail address of the person.
    #[arg(long)]
    email: Option<String>,
    /// The groups of the person.
    #[arg(long, value_delimiter = ',')]
    groups: Vec<String>,
    /// A JSON file with further claims of the ID token.
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// A file with a bearer token. It is verified with the configured keys.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "email", "claims", "cookie"])]
    token: Option<PathBuf>,
    /// The JWK Set of the provider, for `--token` where the keys are fetched.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// A file with a `Cookie` header. The session key has to be given (`--env`).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "email", "claims"])]
    cookie: Option<PathBuf>,
    /// A header of the request, as NAME:VALUE.
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The address of the client.
    #[arg(long, value_name = "IP")]
    client_ip: Option<IpAddr>,
    /// A YAML file with requests and what is expected of each.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "user", "email", "claims", "token", "cookie"])]
    cases: Option<PathBuf>,
    /// A variable where Envoy runs.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The output, and whether all cases are as expected.
    pub(crate) fn run(self) -> Result<(String, bool), String> {
        let variables = Variables::new(self.env.clone(), None, true)?;
        let explainer = Explainer::read(&self.file, variables, self.jwks.as_deref())?;
        if let Some(cases) = &self.cases {
            return run_cases(&explainer, cases);
        }
        let explanation = explainer.explain(&self.request()?, &self.identity()?)?;
        let output = if self.json { format!("{:#}\n", explanation.json()) } else { explanation.text() };
        Ok((output, true))
    }

    fn request(&self) -> Result<Request, String> {
        let (method, path) = match self.request.as_slice() {
            [path] => ("GET", path),
            [method, path] => (method.as_str(), path),
            _ => return Err("name the path of the request, such as GET /admin/x".to_owned()),
        };
        let mut headers: Vec<(String, String)> =
            NAVIGATION.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (name, value) in &self.header {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.clone()));
        }
        Ok(Request {
            host: self.host.clone().unwrap_or_default(),
            method: method.to_owned(),
            path: path.clone(),
            headers,
            client: self.client_ip,
        })
    }

    fn identity(&self) -> Result<Identity, String> {
        if let Some(token) = &self.token {
            return Ok(Identity::Token(token.clone()));
        }
        if let Some(cookie) = &self.cookie {
            return Ok(Identity::Cookie(cookie.clone()));
        }
        let claims = match &self.claims {
            None => Map::new(),
            Some(file) => {
                let claims = read_json(file)?.as_object().cloned();
                claims.ok_or_else(|| format!("{}: is not a JSON object with claims", file.display()))?
            }
        };
        if self.user.is_none() && self.email.is_none() && claims.is_empty() {
            let groups = "`--groups` needs a person: give `--user` or `--email`, too";
            return if self.groups.is_empty() { Ok(Identity::Anonymous) } else { Err(groups.to_owned()) };
        }
        let (user, email, groups) = (self.user.clone(), self.email.clone(), self.groups.clone());
        Ok(Identity::Session(Box::new(Person { user, email, groups, claims })))
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as NAME:VALUE")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}
