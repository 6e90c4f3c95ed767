//! The part of Liquid that the flow uses: text with `{{ path | filter }}` in it.
//!
//! A template is split into pieces; the rules ask which paths it reads, the runner fills them in. Tags (`{% … %}`) and filters with
//! arguments are refused, so that a flow which needs them is noticed here and not on a telephone.

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Copied as it is.
    Text(&'a str),
    /// Replaced by the value at `path`, passed through the filters in order.
    Output { path: &'a str, filters: Vec<&'a str> },
}

/// Splits a template into pieces; the error says what is not understood.
pub fn parse(template: &str) -> Result<Vec<Piece<'_>>, String> {
    if template.contains("{%") {
        return Err(format!("a Liquid tag is not understood: {template}"));
    }
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let inner = &rest[open + 2..];
        let Some(close) = inner.find("}}") else {
            return Err(format!("a Liquid output is not closed: {template}"));
        };
        pieces.push(output(&inner[..close])?);
        rest = &inner[close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// The paths a template reads, in order.
pub fn paths(template: &str) -> Result<Vec<&str>, String> {
    let outputs = parse(template)?.into_iter().filter_map(|piece| match piece {
        Piece::Output { path, .. } => Some(path),
        Piece::Text(_) => None,
    });
    Ok(outputs.collect())
}

/// Fills a template in; a path that `value` does not know is an error.
pub fn render(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    for piece in parse(template)? {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Output { path, filters } => {
                let found = value(path).ok_or_else(|| format!("{path} has no value"))?;
                // `downcase` is the only filter that `output` lets through.
                text.push_str(&if filters.is_empty() {
                    found
                } else {
                    found.to_lowercase()
                });
            }
        }
    }
    Ok(text)
}

fn output(inner: &str) -> Result<Piece<'_>, String> {
    let mut parts = inner.split('|').map(str::trim);
    let path = parts.next().unwrap_or_default();
    let filters: Vec<&str> = parts.collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if path.is_empty() || !path.chars().all(plain) {
        return Err(format!("a Liquid path is not understood: {inner}"));
    }
    match filters.iter().find(|filter| **filter != "downcase") {
        Some(filter) => Err(format!("a Liquid filter is not understood: {filter}")),
        None => Ok(Piece::Output { path, filters }),
    }
}
