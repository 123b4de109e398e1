//! Where an unclosed brace, string, comment or heredoc began: the parser says 1:1.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::hcl::Script;

pub(super) fn problem(_script: &Script<'_>, _offset: usize) -> Option<Diagnostic> {
    None
}

pub(super) fn first_key(_script: &Script<'_>, _offset: usize, _key: &str) -> Option<Range<usize>> {
    None
}
