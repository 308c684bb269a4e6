//! A page for the customer.

use std::fmt::Write as _;

use super::Onboarding;

impl Onboarding {
    /// What to register, and what to send back, in Markdown.
    pub(super) fn sheet(&self) -> String {
        let (host, provider) = (&self.addresses.host, self.provider.name());
        let mut out = format!(
            "# Sign-in at {host} with {provider}\n\n\
             Your users sign in at {host} with their accounts at {}. They and their groups stay in your directory.\n\n\
             ## Please register a client\n\n\
             A confidential client (web application) for the authorization code flow with PKCE (S256):\n\n\
             | what | value |\n|---|---|\n",
            self.issuer.text,
        );
        for row in self.rows() {
            let _ = writeln!(out, "| {} | `{}`{} |", row.name, row.value, row.remark());
        }
        out.push('\n');
        for (number, step) in (1..).zip(self.facts.steps) {
            let _ = writeln!(out, "{number}. {step}");
        }
        let client_id = self.facts.client_id.unwrap_or("client id");
        let chosen = self.client_id.as_ref().map_or_else(String::new, |id| format!(" (we expect `{id}`)"));
        let _ = write!(
            out,
            "\n## Please send us\n\n\
             - the {client_id}{chosen};\n\
             - the client secret, by a channel for secrets and not by e-mail, and the day on which it ends;\n\
             - the issuer as your tokens have it in `iss`, if it is not exactly `{}`;\n",
            self.issuer.text,
        );
        if self.groups_claim().is_some() {
            out.push_str("- the names of the groups that may use the site, as they are in the claim;\n");
        }
        out.push_str("- whom to ask about sign-in.\n");
        out
    }
}
