//! Builds the values out of the events of the YAML parser.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter::Peekable;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use super::node::{Content, Member, Node, Scalar, Style};
use crate::syntax::ALIAS;

/// One document of a file, or the place where it stops being YAML.
pub(crate) type Document = Result<Node, SyntaxError>;

/// The text is no YAML.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// The documents of a file, without empty ones. The last one is an error if the text is no YAML.
pub(crate) fn documents(text: &str) -> Vec<Document> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    let events = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, events: events.peekable(), anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    loop {
        match reader.document() {
            Ok(Some(node)) if is_empty(&node) => {}
            Ok(Some(node)) => documents.push(Ok(node)),
            Ok(None) => return documents,
            Err(error) => {
                documents.push(Err(error));
                return documents;
            }
        }
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(Scalar { text, style: Style::Plain }) if text.is_empty())
}

struct Reader<'t, I: Iterator> {
    text: &'t str,
    events: Peekable<I>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'t, I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> Reader<'t, I> {
    /// The next document. `None` at the end of the file.
    fn document(&mut self) -> Result<Option<Node>, SyntaxError> {
        loop {
            let Some((event, span)) = self.next()? else { return Ok(None) };
            if matches!(event, Event::StreamEnd) {
                return Ok(None);
            }
            if !matches!(event, Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd) {
                return self.node(event, span, 0).map(Some);
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Range<usize>)>, SyntaxError> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, span.byte_range().unwrap_or_default()))),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or_default().min(self.text.len());
                Err(SyntaxError { span: at..at, message: error.info() })
            }
        }
    }

    /// The node that begins with `event`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other event begins a node")]
    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Result<Node, SyntaxError> {
        self.nodes = self.nodes.saturating_add(1);
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(SyntaxError { span, message: "has too many values, or is nested too deeply".to_owned() });
        }
        let start = span.start;
        let (content, anchor, tag, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar { text: text.into_owned(), style: style_of(style) };
                (Content::Scalar(scalar), anchor, tag, span.end)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut elements = Vec::new();
                let end = loop {
                    match self.expect(&span)? {
                        (Event::SequenceEnd, end) => break end.end,
                        (event, span) => elements.push(self.node(event, span, depth.saturating_add(1))?),
                    }
                };
                (Content::List(elements), anchor, tag, end)
            }
            Event::MappingStart(_, anchor, tag) => {
                let mut members = Vec::new();
                let end = loop {
                    let (event, at) = self.expect(&span)?;
                    if matches!(event, Event::MappingEnd) {
                        break at.end;
                    }
                    let key = self.node(event, at, depth.saturating_add(1))?;
                    let (event, at) = self.expect(&span)?;
                    let value = self.node(event, at, depth.saturating_add(1))?;
                    members.push(Member { key, value });
                };
                (Content::Map(members), anchor, tag, end)
            }
            Event::Alias(anchor) => return Ok(self.anchors.get(&anchor).cloned().unwrap_or_else(|| nothing(span))),
            Event::UnresolvedAlias(name) => {
                let message = format!("{ALIAS}{name}");
                return Err(SyntaxError { span, message });
            }
            _ => return Ok(nothing(span)),
        };
        let tag = tag.map(|tag: Cow<'_, Tag>| tag.to_string());
        let node = Node { span: start..end.max(start), content, tag };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn expect(&mut self, span: &Range<usize>) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        let ended = || SyntaxError { span: span.clone(), message: "has no end".to_owned() };
        self.next()?.ok_or_else(ended)
    }
}

fn nothing(span: Range<usize>) -> Node {
    let content = Content::Scalar(Scalar { text: String::new(), style: Style::Plain });
    Node { span, content, tag: None }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// Aliases can make a short file a large one.
const MAX_NODES: usize = 4_000_000;
const MAX_DEPTH: usize = 128;
