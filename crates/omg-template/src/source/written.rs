//! What is written for minijinja: expressions, and how tightly they bind.

use super::names;

/// How tightly what is written binds; it needs brackets where something tighter is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Condition,
    Or,
    And,
    Not,
    Concatenation,
    Filtered,
    Atom,
}

#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) binding: Binding,
}

impl Written {
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            binding: Binding::Atom,
        }
    }

    pub(super) fn at_least(self, binding: Binding) -> String {
        if self.binding < binding {
            format!("({})", self.text)
        } else {
            self.text
        }
    }

    /// Applies a filter that stands for an operator.
    pub(super) fn filtered(self, name: &str, arguments: &[&str]) -> Self {
        let mut text = self.at_least(Binding::Filtered);
        text.push('|');
        text.push_str(name);
        if !arguments.is_empty() {
            text.push('(');
            text.push_str(&arguments.join(", "));
            text.push(')');
        }
        Self {
            text,
            binding: Binding::Filtered,
        }
    }

    pub(super) fn binary(self, operator: &str, right: Self, binding: Binding) -> Self {
        // Operators of one binding group to the left, so only the right side may need brackets for an equal one.
        let left = self.at_least(binding);
        let right = right.at_least(next(binding));
        Self {
            text: format!("{left} {operator} {right}"),
            binding,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        self.text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

fn next(binding: Binding) -> Binding {
    match binding {
        Binding::Condition => Binding::Or,
        Binding::Or => Binding::And,
        Binding::And => Binding::Not,
        Binding::Not => Binding::Concatenation,
        Binding::Concatenation => Binding::Filtered,
        Binding::Filtered | Binding::Atom => Binding::Atom,
    }
}

pub(super) fn tuple_text(items: &[String]) -> String {
    match items {
        [one] => format!("({one},)"),
        items => format!("({})", items.join(", ")),
    }
}

pub(super) fn and(all: Option<Written>, one: Written) -> Written {
    match all {
        None => one,
        Some(all) => all.binary("and", one, Binding::And),
    }
}

pub(super) fn compared(left: Written, operator: &str, right: Written) -> Written {
    let asks = |name, left: Written, right: Written| left.filtered(name, &[&right.into_text()]);
    let not = |asked: Written| Written {
        text: format!("not {}", asked.text),
        binding: Binding::Not,
    };
    match operator {
        "<" => asks(names::LESS, left, right),
        "<=" => asks(names::LESS_OR_EQUAL, left, right),
        ">" => asks(names::GREATER, left, right),
        ">=" => asks(names::GREATER_OR_EQUAL, left, right),
        "in" => asks(names::CONTAINS, right, left),
        "not in" => not(asks(names::CONTAINS, right, left)),
        "!=" => not(asks(names::EQUAL, left, right)),
        _ => asks(names::EQUAL, left, right),
    }
}

/// An operand of `~`, which Python's `str` turns into text.
pub(super) fn as_text(value: Written) -> String {
    if value.binding == Binding::Atom && value.text.starts_with('\'') && value.text.ends_with('\'')
    {
        return value.text;
    }
    value.filtered(names::TEXT, &[]).into_text()
}
