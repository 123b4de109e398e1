//! Problems as users see them: place first, then the source line with a marker, hints last.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::{Position, Source, Sources};
use crate::visible::visible;

/// One problem to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is, if it is in a text.
    pub at: Option<Position>,
    /// A fragment in lower case that names the thing.
    pub message: String,
    /// What stands beside the marker; may be empty.
    pub label: String,
    /// Other places to look at, each with what stands beside its marker.
    pub related: Vec<(Position, String)>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A problem at a place.
    pub fn at(position: Position, message: impl Into<String>) -> Self {
        Self { at: Some(position), ..Self::anywhere(message) }
    }

    /// A problem that is in no text: a file that cannot be read, say.
    pub fn anywhere(message: impl Into<String>) -> Self {
        Self {
            at: None,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Puts a text beside the marker.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place.
    pub fn related(mut self, position: Position, label: impl Into<String>) -> Self {
        self.related.push((position, label.into()));
        self
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// For a `Result`, whose error is to be small.
    #[must_use]
    pub fn boxed(self) -> Box<Self> {
        Box::new(self)
    }

    /// The first line as shown after `error: `.
    fn title(&self) -> String {
        match &self.at {
            Some(position) => format!("{position}: {}", self.message),
            None => self.message.clone(),
        }
    }

    /// The same with nothing in its words that could begin a line of its own: names and keys are others'.
    fn visible(&self) -> Self {
        let related = self.related.iter().map(|(at, label)| (at.clone(), visible(label)));
        Self {
            at: self.at.clone(),
            message: visible(&self.message),
            label: visible(&self.label),
            related: related.collect(),
            hints: self.hints.iter().map(|hint| visible(hint)).collect(),
        }
    }

    /// The marked places, the main one first.
    fn marks(&self) -> impl Iterator<Item = (AnnotationKind, &Position, &str)> {
        let main = self.at.iter().map(|at| (AnnotationKind::Primary, at, self.label.as_str()));
        let related =
            self.related.iter().map(|(at, label)| (AnnotationKind::Context, at, label.as_str()));
        main.chain(related)
    }
}

impl Sources {
    /// Shows problems in the order given, an empty line between two, with a newline at the end.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        let shown: Vec<String> = diagnostics.iter().map(|one| self.show(one, color)).collect();
        shown.join("\n")
    }

    fn show(&self, diagnostic: &Diagnostic, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let diagnostic = diagnostic.visible();
        let title = Level::ERROR.primary_title(visible(&diagnostic.title()));
        let group = Group::with_title(title).elements(self.snippets(&diagnostic));
        let mut text = renderer.render(&[group]);
        text.push('\n');
        for hint in &diagnostic.hints {
            text.push_str("hint: ");
            text.push_str(hint);
            text.push('\n');
        }
        text
    }

    /// One snippet for each text that has a marked place; only other texts are named again.
    fn snippets<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Snippet<'a, Annotation<'a>>> {
        let main = diagnostic.at.as_ref().map(|at| &at.file);
        let mut files: Vec<_> = diagnostic.marks().map(|(_, at, _)| &at.file).collect();
        files.dedup();
        let known = files.iter().filter_map(|file| self.get(file));
        known
            .map(|source| {
                let snippet = snippet(source, diagnostic);
                let other = main != Some(source.name());
                if other { snippet.path(visible(source.name())) } else { snippet }
            })
            .collect()
    }
}

fn snippet<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Snippet<'a, Annotation<'a>> {
    let marks = diagnostic.marks().filter(|(_, at, _)| at.file == *source.name());
    let marks: Vec<_> = marks.map(|(kind, at, label)| (kind, at.start..at.end, label)).collect();
    let spans: Vec<Range<usize>> = marks.iter().map(|(_, span, _)| span.clone()).collect();
    let (line, start, text) = source.excerpt(&spans);
    let annotations = marks.into_iter().map(|(kind, span, label)| {
        let label = (!label.is_empty()).then_some(label);
        kind.span(inside(text, start, span)).label(label)
    });
    Snippet::source(text).line_start(line).annotations(annotations)
}

/// The part of a span that lies in the excerpt, on character boundaries.
fn inside(text: &str, start: usize, span: Range<usize>) -> Range<usize> {
    let place = |at: usize| text.floor_char_boundary(at.saturating_sub(start));
    place(span.start)..place(span.end).max(place(span.start))
}
