//! A text that is no YAML, in plain words and with what people overlook.

use std::ops::Range;

use tenantgate::config::Code;

use super::diagnostic::Diagnostic;
use super::secrets;
use super::source::Source;

/// What the parser says at `span`.
pub(crate) fn explain(source: &Source, span: Range<usize>, message: &str) -> Diagnostic {
    let number = source.position(span.start).line;
    let found = Diagnostic::error(Code::SYNTAX, "");
    // The parser names the end of the line before a tab.
    for (at, line) in [number, number.saturating_add(1)].map(|number| (number, source.line(number))) {
        let indentation: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        if indentation.contains('\t') {
            let start = source.offset(at);
            let found = found.span(start..start.saturating_add(line.len()));
            return said(found, "the line begins with a tab", "indent with spaces, as YAML asks");
        }
    }
    let line = source.line(number);
    let found = found.span(to_end_of_line(source, span.clone()));
    if line.contains('\u{a0}') || line.chars().next().is_some_and(|c| c.is_whitespace() && c != ' ') {
        return said(found, "the line has a no-break space (U+00A0)", "write ordinary spaces");
    }
    if let Some(name) = message.strip_prefix(ALIAS) {
        // The line may be that of a secret.
        let is_shown = secrets::guess(line) == line;
        let text = if is_shown { format!("\"*{name}\"") } else { "the text in quotes".to_owned() };
        return said(
            found.span(span),
            "a text that begins with `*` is an alias in YAML, and there is no such anchor",
            &format!("write {text}"),
        );
    }
    let (problem, help) = in_words(message, line, source.line(number.saturating_sub(1)));
    let found = match problem {
        LIST | MAP => found.span(opening(source, number, problem).unwrap_or_else(|| to_end_of_line(source, span))),
        _ => found,
    };
    said(found, problem, help)
}

/// The text of a `StringValue` or a file that is no JSON. The reader ends its message with the
/// place, which the finding has.
pub(crate) fn explain_json(found: Diagnostic) -> Diagnostic {
    let Some((message, _)) = found.message.rsplit_once(" at line ") else { return found };
    let (problem, help) = match message.strip_prefix("not JSON: ").unwrap_or(message) {
        "trailing comma" => ("a comma stands behind the last one", Some("remove the comma")),
        "expected value" => ("there is no value", Some("write one, with texts in double quotes")),
        "key must be a string" => ("a name has no quotes", Some("put names in double quotes")),
        problem if problem.starts_with("expected `") => {
            ("a comma or a bracket is missing before this", Some("put commas between members, and close what is open"))
        }
        problem if problem.starts_with("EOF") => ("the text ends too early", Some("close what is open")),
        problem if problem.contains("control character") => {
            ("a text has a line break or another control character", Some("write it as an escape such as `\\n`"))
        }
        "trailing characters" => ("something follows the end of the JSON", Some("remove it")),
        "invalid escape" => ("a backslash begins an escape, and this is none", Some("write two")),
        problem => (problem, None),
    };
    Diagnostic { message: format!("is not JSON: {problem}"), help: help.map(str::to_owned).or(found.help), ..found }
}

/// The bracket that is not closed, in one of the lines before the one with this number.
fn opening(source: &Source, number: usize, problem: &str) -> Option<Range<usize>> {
    let (open, close) = if problem == LIST { ('[', ']') } else { ('{', '}') };
    let lines = (1..=number).rev().take(MOST_LINES);
    let line = lines.into_iter().find(|line| {
        let text = source.line(*line);
        text.matches(open).count() > text.matches(close).count()
    })?;
    let at = source.line(line).rfind(open)?;
    let start = source.offset(line).saturating_add(at);
    Some(to_end_of_line(source, start..start))
}

fn said(found: Diagnostic, problem: &str, help: &str) -> Diagnostic {
    Diagnostic { message: format!("is not YAML: {problem}"), ..found }.help(help)
}

fn to_end_of_line(source: &Source, span: Range<usize>) -> Range<usize> {
    let rest = source.slice(span.start..source.text.len());
    let line = rest.lines().next().unwrap_or_default().trim_end();
    span.start..span.end.max(span.start.saturating_add(line.len()))
}

/// Problem and help for what the parser says about a line and the one before it.
fn in_words(message: &str, line: &str, before: &str) -> (&'static str, &'static str) {
    let has = |part: &str| message.contains(part);
    let bare = line.trim_start();
    let name = bare.split(':').next().unwrap_or_default();
    if bare.starts_with("-----") || (bare.len() > 40 && !bare.contains([' ', ':'])) {
        ("a line of a PEM is not indented", "indent all lines of the PEM below `pem: |`")
    } else if [bare, before.trim_start()].iter().any(|line| is_element_without_space(line)) {
        ("`-` begins an element only with a space behind it", "write `- ` with a space")
    } else if has("alias") {
        ("a text that begins with `*` or `&` is an alias or an anchor in YAML", "put it in quotes")
    } else if has("simple key") || has("must be followed by a valid YAML whitespace") {
        if bare.contains(':') {
            ("a `:` ends a name only with a space behind it", "put a space behind the colon")
        } else if bare.contains('=') {
            ("a name ends with `:`, not with `=`", "write `name: value`")
        } else {
            ("a name has no `:` behind it", "write `name: value`, or indent the line if it belongs to the one above")
        }
    } else if has("unclosed quote") || has("quoted scalar, found unexpected") {
        ("a quotation mark has no second one", "close it, or leave both out")
    } else if has("escape") || has("hexadecimal") || has("surrogate") {
        ("a backslash in double quotes begins an escape, and this is none", "write two, or use single quotes")
    } else if has("trailing content") {
        ("text follows a closing quotation mark", "put all of the text in the quotes")
    } else if has("misplaced bracket") {
        ("a `]` or `}` has no beginning", "remove it, or write the `[` or `{`")
    } else if has("bracket '['") || has("flow sequence") || has("illegal placement of ':'") {
        (LIST, "close it with `]`, and put commas between its elements")
    } else if has("bracket '{'") || has("flow mapping") || has("flow construct") {
        (MAP, "close it with `}`, and put commas between the members")
    } else if has("mapping values") {
        if name.trim() == bare.trim() || bare.matches(": ").count() < 2 {
            ("the line is not indented as the one above it", "indent it as the fields that it belongs to")
        } else {
            ("a text with `: ` in it stands without quotes", "put the text in quotes")
        }
    } else if has("unexpected character") && !has("\\u") {
        ("a text cannot begin with this character", "put the text in quotes")
    } else if has("unexpected character") {
        ("there is a control character", "remove it")
    } else if has("sequence entries") {
        ("a list begins where none can be", "put `- ` into the next line, indented")
    } else if has("block scalar") {
        ("a line of the text is indented by less than its first one", "indent all lines of the text alike")
    } else if has("document") || has("directive") {
        ("the text goes on where its document ends", "indent the line, or begin another document with `---`")
    } else if has("comment") {
        ("`#` begins a comment only with a space before it", "put a space before it, or put the text in quotes")
    } else if has("node content") {
        ("there is no value", "write one")
    } else if has("nested") {
        ("it has too many values, or is nested too deeply", "check the aliases, which repeat parts of a file")
    } else if has("block") || has("indent") {
        ("the line is not indented as those that it belongs to", "indent it as them")
    } else if has("eof") || has("EOF") || has("has no end") {
        ("it ends before a bracket or a text does", "close what is open")
    } else {
        ("it cannot be read from here on", "compare indentation, quotes and brackets with those of the line above")
    }
}

/// `-name: acme`
fn is_element_without_space(line: &str) -> bool {
    let rest = line.strip_prefix('-').unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains(':')
}

const LIST: &str = "a list in brackets does not end";
const MAP: &str = "a `{` does not end";
/// How far back a bracket is looked for.
const MOST_LINES: usize = 20;
/// What the reader says before the name of an alias that has no anchor.
pub(crate) const ALIAS: &str = "no anchor for the alias *";
