//! The text of a heredoc without interpolation.

/// Builds it from the source between `<<` and the end of the end marker: `hcl-edit` measures
/// the indentation of `<<-` in other ways than Terraform.
pub(super) fn text(source: &str) -> String {
    let indented = source.starts_with("<<-");
    let body_start = source.find('\n').map_or(source.len(), |at| at + 1);
    let body_end = source.rfind('\n').map_or(source.len(), |at| at + 1);
    let body = source.get(body_start..body_end).unwrap_or_default();
    let body = if indented { unindented(body) } else { body.to_owned() };
    body.replace("$${", "${").replace("%%{", "%{")
}

/// Terraform 1.11 (measured): the least count of leading white-space characters over the lines
/// that hold anything else is cut from those lines; blank lines stay as they are.
fn unindented(body: &str) -> String {
    let blank = |line: &str| line.trim().is_empty();
    let indentation =
        |line: &str| line.chars().take_while(|character| character.is_whitespace()).count();
    let lines = || body.split_inclusive('\n');
    let cut = lines().filter(|line| !blank(line)).map(indentation).min().unwrap_or_default();
    lines()
        .map(|line| {
            let cut = if blank(line) { 0 } else { cut };
            line.char_indices().nth(cut).and_then(|(at, _)| line.get(at..)).unwrap_or_default()
        })
        .collect()
}
