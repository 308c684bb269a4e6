//! Rotation of the session keys and of the key that signs.

use super::fixture::{Gates, header, tenant};
use crate::support::signer::Signer;

#[test]
fn secrets_are_sealed_again_with_the_first_session_key() {
    let gates = Gates::new();
    let acme = tenant("acme", "acme.example", "");
    gates.applied(&acme);
    let sealed = || gates.payload("acme")["tenant"]["client_secret"]["sealed"].as_str().unwrap().to_owned();
    assert!(sealed().starts_with("a."));
    gates.configure(&["b", "a"], &[&Signer::eddsa()]);
    let reason =
        "acme: is written again\n  # client_secret is sealed with session key \"a\", which is not the first one\n";
    let (code, output, _) = gates.run("diff", &["-"], &acme);
    assert_eq!((code, output.as_str()), (1, reason));
    let output = gates.applied(&acme);
    assert!(output.starts_with(reason), "{output}");
    assert!(sealed().starts_with("b."));
    assert_eq!(gates.applied(&acme), "acme: is unchanged\n");
    // The old key may go now.
    gates.configure(&["b"], &[&Signer::eddsa()]);
    assert_eq!(gates.run("status", &[], "").0, 0);
    // If it goes too early, gates cannot open the secret, which says so.
    gates.configure(&["a"], &[&Signer::eddsa()]);
    let (code, output, _) = gates.run("status", &[], "");
    assert_eq!(code, 1);
    assert_eq!(
        output,
        "acme: broken\n  client_secret: is sealed with session key \"b\", which `session.keys` does not have; write it again \
         with `tenantgate tenants apply`\n0 served, 1 broken\n"
    );
    let (code, output, _) = gates.run("diff", &["-"], &acme);
    assert_eq!(code, 1);
    let line = "\n  + client_secret: {sealed: …} # changed, or the old one does not open with `session.keys`\n";
    assert!(output.contains(line), "{output}");
    gates.applied(&acme);
    assert_eq!(gates.run("status", &[], "").0, 0);
}

#[test]
fn documents_are_signed_again_with_another_key() {
    let gates = Gates::new();
    let acme = tenant("acme", "acme.example", "");
    gates.applied(&acme);
    let (ed, ec) = (gates.path("ed.pem"), gates.path("ec.pem"));
    gates.configure(&["a"], &[&Signer::eddsa(), &Signer::es256()]);
    let (code, output, _) = gates.run("diff", &["-"], &acme);
    assert_eq!((code, output.as_str()), (0, "acme: is unchanged\n"));
    let (code, output, _) = gates.run("diff", &["-", "--key", &ec], &acme);
    assert!(
        code == 1 && output.starts_with("acme: is written again\n  # it is signed with another key than \""),
        "{output}"
    );
    let (code, output, errors) = gates.run("apply", &["-", "--key", &ec, "--yes"], &acme);
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(header(&gates.value("tenants/acme").unwrap())["alg"], "ES256");
    gates.configure(&["a"], &[&Signer::es256()]);
    assert_eq!(gates.run("status", &[], "").0, 0);
    // Without the new key among those of the gates, the document is none for them.
    gates.configure(&["a"], &[&Signer::eddsa()]);
    let (code, output, _) = gates.run("status", &[], "");
    assert!(
        code == 1
            && output.contains(
                "acme: broken\n  it is signed with a key that `tenants_from.keys` does not have (its `kid` is \""
            ),
        "{output}"
    );
    let (code, output, errors) = gates.run("apply", &["-", "--key", &ed, "--yes"], &acme);
    assert_eq!(code, 0, "{output}{errors}");
    assert!(
        output.contains("  - # what is there is no document of this tenant: it is signed with a key that"),
        "{output}"
    );
    assert_eq!(gates.run("status", &[], "").0, 0);
}
