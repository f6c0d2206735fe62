//! A template as Jinja2 reads it, written out as minijinja reads it.
//!
//! minijinja's grammar is a part of Jinja2's, and its operators ask Python's questions less strictly. So the tags of a template are
//! parsed by Jinja2's grammar here and written again: what means the same stays as it is, the rest becomes filters of this crate that no
//! template may name (`names`). Text between tags and the lines of tags stay where they are.

mod expression;
mod lexer;
mod literal;
mod postfix;
mod statement;
mod tags;
mod tokens;
mod written;

use statement::Statements;
use tokens::Tag;

/// Filters that stand for operators.
pub(crate) mod names {
    pub(crate) const ATTRIBUTE: &str = "__attribute";
    pub(crate) const ITEM: &str = "__item";
    pub(crate) const SLICE: &str = "__slice";
    pub(crate) const KEY: &str = "__key";
    pub(crate) const EQUAL: &str = "__equal";
    pub(crate) const ADD: &str = "__add";
    pub(crate) const SUBTRACT: &str = "__subtract";
    pub(crate) const MULTIPLY: &str = "__multiply";
    pub(crate) const DIVIDE: &str = "__divide";
    pub(crate) const FLOOR_DIVIDE: &str = "__floor_divide";
    pub(crate) const POWER: &str = "__power";
    pub(crate) const POSITIVE: &str = "__positive";
    pub(crate) const NEGATIVE: &str = "__negative";
    pub(crate) const MACRO: &str = "__macro";
    pub(crate) const MISSING: &str = "__missing";
    pub(crate) const UNPACK: &str = "__unpack";
    pub(crate) const EACH_UNPACKED: &str = "__each_unpacked";
    pub(crate) const MODULO: &str = "__modulo";
    pub(crate) const TEXT: &str = "__text";
    pub(crate) const EACH: &str = "__each";
    pub(crate) const CONTAINS: &str = "__contains";
    pub(crate) const LESS: &str = "__less";
    pub(crate) const LESS_OR_EQUAL: &str = "__less_or_equal";
    pub(crate) const GREATER: &str = "__greater";
    pub(crate) const GREATER_OR_EQUAL: &str = "__greater_or_equal";
}

/// What is wrong with a template, and on which line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

/// A part of a template.
#[derive(Debug)]
enum Piece<'a> {
    /// What stays as it is: text, comments, raw text.
    Text(&'a str),
    /// The line break that minijinja drops after `raw` and Jinja2 does not.
    LineBreak,
    Tag {
        tag: Tag,
        source: &'a str,
        line: usize,
    },
}

/// The template for minijinja.
pub(crate) fn translate(template: &str) -> Result<String, SyntaxError> {
    let template = template.replace("\r\n", "\n").replace('\r', "\n");
    let pieces = pieces(&template)?;
    let mut out = String::with_capacity(template.len() + template.len() / 2);
    let mut statements = Statements::default();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::LineBreak => out.push('\n'),
            Piece::Tag { tag, source, line } => {
                let ahead = pieces[at + 1..].iter().filter_map(|piece| match piece {
                    Piece::Tag { tag, .. } => Some(tag),
                    _ => None,
                });
                let written = statements.tag(tag, ahead).map_err(|reason| SyntaxError {
                    line: *line,
                    reason,
                })?;
                // The lines of errors stay right as long as tags keep theirs.
                let lines = source.matches('\n').count();
                let missing = lines.saturating_sub(written.matches('\n').count());
                let end = written.len() - 2 - tag.close.len();
                out.push_str(&written[..end]);
                out.extend(std::iter::repeat_n('\n', missing));
                out.push_str(&written[end..]);
            }
        }
    }
    statements.end().map_err(|reason| SyntaxError {
        line: 1 + template.matches('\n').count(),
        reason,
    })?;
    Ok(out)
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut line = 1;
    while let Some((at, opening)) = next_opening(rest) {
        let (text, after) = rest.split_at(at);
        line += text.matches('\n').count();
        pieces.push(Piece::Text(text));
        let fail = |reason: String| SyntaxError { line, reason };
        let length = match opening {
            Opening::Comment => {
                let end = after
                    .find("#}")
                    .ok_or_else(|| fail("a comment has no end".to_owned()))?;
                pieces.push(Piece::Text(&after[..end + 2]));
                end + 2
            }
            Opening::Raw(start) => {
                let (end, length_of_end) = lexer::end_of_raw(&after[start..])
                    .ok_or_else(|| fail("raw has no endraw".to_owned()))?;
                let length = start + end + length_of_end;
                pieces.push(Piece::Text(&after[..start]));
                if after[start..].starts_with('\n') && !after[..start].ends_with("-%}") {
                    pieces.push(Piece::LineBreak);
                }
                pieces.push(Piece::Text(&after[start..length]));
                length
            }
            Opening::Variable | Opening::Block => {
                let tag = lexer::tag(after, opening == Opening::Block).map_err(fail)?;
                let length = tag.length;
                pieces.push(Piece::Tag {
                    tag,
                    source: &after[..length],
                    line,
                });
                length
            }
        };
        line += after[..length].matches('\n').count();
        rest = &after[length..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Comment,
    Variable,
    Block,
    /// A whole `{% raw %}` of so many bytes.
    Raw(usize),
}

fn next_opening(text: &str) -> Option<(usize, Opening)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('{') {
        let at = from + at;
        match text.as_bytes().get(at + 1) {
            Some(b'#') => return Some((at, Opening::Comment)),
            Some(b'{') => return Some((at, Opening::Variable)),
            Some(b'%') => {
                let raw = lexer::raw(&text[at..]);
                return Some((at, raw.map_or(Opening::Block, Opening::Raw)));
            }
            _ => from = at + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[track_caller]
    fn becomes(template: &str, expected: &str) {
        assert_eq!(translate(template).as_deref(), Ok(expected));
    }

    #[test]
    fn leaves_what_means_the_same() {
        for same in [
            "a {{ x.y['z'] }}\n{%- if a and not b -%} {# c #}{% else %}{% endif %}",
            "{% raw %}{{ a % b }}{% endraw %}",
            "{{ x|join(', ')|upper if x is defined else -1 }}",
            "{% set ns.x = [1, -1, 'a'] %}",
        ] {
            becomes(same, same);
        }
    }

    #[test]
    fn writes_operators_as_filters() {
        becomes("{{ '%s' % x }}", "{{ '%s'|__modulo(x) }}");
        becomes(
            "{{ a * b % -c }}",
            "{{ a|__multiply(b)|__modulo(c|__negative) }}",
        );
        becomes(
            "{{ a ~ 'b' ~ c * 2 }}",
            "{{ a|__text ~ 'b' ~ c|__multiply(2)|__text }}",
        );
        becomes(
            "{{ +a < b.items }}",
            "{{ a|__positive|__less(b|__attribute('items')) }}",
        );
        becomes(
            "{% for x in 1, 2 %}{% endfor %}",
            "{% for x in (1, 2)|__each %}{% endfor %}",
        );
    }

    #[test]
    fn writes_macros_with_all_their_parameters() {
        becomes(
            "{% macro m(a, b=a) %}{{ x }}{% endmacro %}",
            "{% macro __macro(a, b, varargs, kwargs) %}{% if a is __missing %}{% set a = __undefined %}{% endif %}\
             {% if b is __missing %}{% set b = a %}{% endif %}{% if false and [x] %}{% endif %}{{ x }}{% endmacro %}\
             {% set m = __macro|__macro('m', ['a', 'b'], false, false, false) %}",
        );
    }

    #[test]
    fn keeps_the_lines_of_tags() {
        becomes("{{ f(\n  1,\n  2\n) }}", "{{ f(1, 2) \n\n\n}}");
    }

    #[test]
    fn names_the_line_of_an_error() {
        let error = translate("a\n\n{{ 1 + }}").unwrap_err();
        assert_eq!(error.line, 3);
    }
}
