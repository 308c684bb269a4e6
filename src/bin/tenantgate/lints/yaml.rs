//! What Envoy reads differently from other readers of YAML, or not as one would expect.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::yaml::{Content, Node, Style};

/// The findings about a document, whatever it is.
pub(crate) fn yaml(document: &Node, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    node(document, source, &mut found);
    found
}

fn node(here: &Node, source: &Source, found: &mut Vec<Diagnostic>) {
    if let Some(tag) = &here.tag {
        let warning = Diagnostic::warning(codes::NOT_IN_ENVOY, format!("the tag `{tag}` has no effect in Envoy"));
        found.push(warning.help("quote a value that is to be a string").span(here.span.clone()));
    }
    if let Content::Scalar(scalar) = &here.content
        && scalar.style == Style::Plain
    {
        odd_characters(here, &scalar.text, source, found);
    }
    let members = here.members();
    for (number, member) in members.iter().enumerate() {
        let Some(name) = member.key.text() else { continue };
        odd_characters(&member.key, name, source, found);
        if name == "<<" {
            let error = Diagnostic::error(codes::NOT_IN_ENVOY, "Envoy has no merge keys (`<<`)");
            found.push(error.help("write the members out").span(member.key.span.clone()));
        }
        let later = members.iter().skip(number.saturating_add(1)).find(|later| later.key.text() == Some(name));
        if let Some(later) = later {
            let line = source.position(later.key.span.start).line;
            let warning =
                Diagnostic::warning(codes::DUPLICATE_KEY, format!("`{name}` occurs again in line {line}, which wins"));
            found.push(warning.help("remove one of them").span(member.key.span.clone()));
        }
    }
    here.children().for_each(|child| node(child, source, found));
}

/// Characters that look like others, or like nothing.
fn odd_characters(here: &Node, text: &str, source: &Source, found: &mut Vec<Diagnostic>) {
    let Some(odd) = text.chars().find(|c| name_of(*c).is_some()) else { return };
    let name = name_of(odd).unwrap_or_default();
    let offset = source.slice(here.span.clone()).find(odd).unwrap_or_default();
    let at = here.span.start.saturating_add(offset);
    let message = format!("{name} (U+{:04X}) stands in a name or an unquoted text", u32::from(odd));
    let help = "remove it, or write an ASCII character; quote a text that has to have it";
    found.push(
        Diagnostic::warning(codes::ODD_CHARACTER, message).help(help).span(at..at.saturating_add(odd.len_utf8())),
    );
}

/// The name of a character that is easily taken for another one or overlooked.
fn name_of(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => "an invisible character",
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "a typographic quotation mark",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "a dash that is no hyphen",
        '\u{2028}' | '\u{2029}' => "a line separator",
        _ => return None,
    })
}
