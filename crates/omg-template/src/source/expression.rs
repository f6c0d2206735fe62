//! Expressions by Jinja2's grammar, written as minijinja's.

use super::literal::quoted;
use super::names;
use super::tokens::{Stream, Token};
use crate::methods;

/// Python's own recursion limit stops Jinja2 at about this depth.
const DEEPEST: usize = 64;

/// Longer operands of a chain of comparisons are refused.
const LONGEST_MIDDLE: usize = 400;

/// How tightly what is written binds; it needs brackets where something tighter is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
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
    text: String,
    binding: Binding,
}

impl Written {
    fn atom(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            binding: Binding::Atom,
        }
    }

    fn at_least(self, binding: Binding) -> String {
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

    fn binary(self, operator: &str, right: Self, binding: Binding) -> Self {
        // Operators of one binding group to the left, so only the right side may need brackets for an equal one.
        let left = self.at_least(binding);
        let right = right.at_least(next(binding));
        Self {
            text: format!("{left} {operator} {right}"),
            binding,
        }
    }

    fn is_number(&self) -> bool {
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

type Parsed = Result<Written, String>;

/// Parses the expressions of one tag.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) stream: Stream<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self {
            stream: Stream::new(tokens),
            depth: 0,
        }
    }

    /// Parses what stands one bracket deeper.
    pub(super) fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth >= DEEPEST {
            return Err("an expression is nested too deeply".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Parsed {
        self.deeper(Self::condition)
    }

    /// One expression that has no `if`.
    pub(super) fn unconditional(&mut self) -> Parsed {
        self.deeper(Self::or)
    }

    /// Expressions with commas between them, up to one of `ends`; several are a tuple.
    pub(super) fn tuple(&mut self, with_condition: bool, ends: &[&str]) -> Parsed {
        let item = |parser: &mut Self| {
            if with_condition {
                parser.expression()
            } else {
                parser.unconditional()
            }
        };
        let first = item(self)?;
        if !self.stream.is(",") {
            return Ok(first);
        }
        let mut items = vec![first.into_text()];
        while self.stream.skip(",") {
            let ended = match self.stream.peek() {
                None => true,
                Some(Token::Operator(o)) => [")", "]", "}"].contains(o),
                Some(Token::Name(name)) => ends.contains(&name.as_str()),
                _ => false,
            };
            if ended {
                break;
            }
            items.push(item(self)?.into_text());
        }
        Ok(Written::atom(tuple_text(&items)))
    }

    fn condition(&mut self) -> Parsed {
        let mut value = self.or()?;
        while self.stream.skip_name("if") {
            let test = self.or()?.at_least(Binding::Or);
            let otherwise = if self.stream.skip_name("else") {
                Some(self.expression()?)
            } else {
                None
            };
            let value_text = value.at_least(Binding::Or);
            let text = match otherwise {
                Some(otherwise) => {
                    format!("{value_text} if {test} else {}", otherwise.into_text())
                }
                None => format!("{value_text} if {test}"),
            };
            value = Written {
                text,
                binding: Binding::Condition,
            };
        }
        Ok(value)
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.stream.skip_name("or") {
            let right = self.and()?;
            left = left.binary("or", right, Binding::Or);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.stream.skip_name("and") {
            let right = self.not()?;
            left = left.binary("and", right, Binding::And);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        if !self.stream.skip_name("not") {
            return self.compare();
        }
        let operand = self.deeper(Self::not)?.at_least(Binding::Not);
        Ok(Written {
            text: format!("not {operand}"),
            binding: Binding::Not,
        })
    }

    fn comparison(&mut self) -> Option<&'static str> {
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.stream.skip(operator) {
                return Some(operator);
            }
        }
        if self.stream.skip_name("in") {
            return Some("in");
        }
        if self.stream.is_name_and("not", "in") {
            self.stream.next();
            self.stream.next();
            return Some("not in");
        }
        None
    }

    fn compare(&mut self) -> Parsed {
        let mut left = self.sum()?;
        let Some(operator) = self.comparison() else {
            return Ok(left);
        };
        let mut right = self.sum()?;
        let mut all: Option<Written> = None;
        let mut operator = operator;
        while let Some(next) = self.comparison() {
            // What stands between two comparisons is written, and worked out, twice.
            if right.text.len() > LONGEST_MIDDLE {
                return Err("a chain of comparisons is too long".to_owned());
            }
            let pair = compared(left, operator, right.clone());
            all = Some(and(all, pair));
            (left, operator, right) = (right, next, self.sum()?);
        }
        let last = compared(left, operator, right);
        Ok(match all {
            None => last,
            all => and(all, last),
        })
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.concatenation()?;
        loop {
            let name = if self.stream.skip("+") {
                names::ADD
            } else if self.stream.skip("-") {
                names::SUBTRACT
            } else {
                return Ok(left);
            };
            let right = self.concatenation()?;
            left = left.filtered(name, &[&right.into_text()]);
        }
    }

    fn concatenation(&mut self) -> Parsed {
        let first = self.product()?;
        if !self.stream.is("~") {
            return Ok(first);
        }
        let mut text = as_text(first);
        while self.stream.skip("~") {
            text.push_str(" ~ ");
            text.push_str(&as_text(self.product()?));
        }
        Ok(Written {
            text,
            binding: Binding::Concatenation,
        })
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.power()?;
        loop {
            let operators = [
                ("*", names::MULTIPLY),
                ("//", names::FLOOR_DIVIDE),
                ("/", names::DIVIDE),
                ("%", names::MODULO),
            ];
            let found = operators
                .into_iter()
                .find(|(operator, _)| self.stream.skip(operator));
            let Some((_, name)) = found else {
                return Ok(left);
            };
            let right = self.power()?;
            left = left.filtered(name, &[&right.into_text()]);
        }
    }

    fn power(&mut self) -> Parsed {
        let mut left = self.unary(true)?;
        while self.stream.skip("**") {
            let right = self.unary(true)?;
            left = left.filtered(names::POWER, &[&right.into_text()]);
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Parsed {
        let value = if self.stream.skip("-") {
            let operand = self.deeper(|parser| parser.unary(false))?;
            if operand.is_number() {
                Written {
                    text: format!("-{}", operand.text),
                    binding: Binding::Filtered,
                }
            } else {
                operand.filtered(names::NEGATIVE, &[])
            }
        } else if self.stream.skip("+") {
            let operand = self.deeper(|parser| parser.unary(false))?;
            operand.filtered(names::POSITIVE, &[])
        } else {
            self.primary()?
        };
        let value = self.postfix(value)?;
        if with_filters {
            self.filters(value)
        } else {
            Ok(value)
        }
    }

    fn primary(&mut self) -> Parsed {
        let unexpected = format!("unexpected {}", self.stream.found());
        Ok(Written::atom(match self.stream.next() {
            Some(Token::Name(name)) => name.clone(),
            Some(Token::Text(text)) => {
                let mut text = text.clone();
                while let Some(Token::Text(more)) = self.stream.peek() {
                    text.push_str(more);
                    self.stream.next();
                }
                quoted(&text)
            }
            Some(Token::Integer(digits) | Token::Float(digits)) => digits.clone(),
            Some(Token::Operator("(")) => return self.brackets(),
            Some(Token::Operator("[")) => {
                let items =
                    self.items("]", |parser| parser.expression().map(Written::into_text))?;
                format!("[{}]", items.join(", "))
            }
            Some(Token::Operator("{")) => {
                let items = self.items("}", |parser| {
                    let is_plain = parser.stream.is_plain_key();
                    let mut key = parser.expression()?;
                    if !is_plain {
                        key = key.filtered(names::KEY, &[]);
                    }
                    let key = key.into_text();
                    parser.stream.expect(":")?;
                    Ok(format!("{key}: {}", parser.expression()?.into_text()))
                })?;
                format!("{{{}}}", items.join(", "))
            }
            _ => return Err(unexpected),
        }))
    }

    fn brackets(&mut self) -> Parsed {
        if self.stream.skip(")") {
            return Ok(Written::atom("()"));
        }
        let value = self.deeper(|parser| parser.tuple(true, &[]))?;
        self.stream.expect(")")?;
        Ok(value)
    }

    fn items(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Result<String, String>,
    ) -> Result<Vec<String>, String> {
        let mut items = Vec::new();
        while !self.stream.skip(end) {
            if !items.is_empty() {
                self.stream.expect(",")?;
                if self.stream.skip(end) {
                    break;
                }
            }
            items.push(self.deeper(&mut item)?);
        }
        Ok(items)
    }

    fn postfix(&mut self, mut value: Written) -> Parsed {
        loop {
            value = if self.stream.skip(".") {
                match self.stream.next() {
                    Some(Token::Name(name)) => self.attribute(value, name),
                    Some(Token::Integer(digits)) => {
                        Written::atom(format!("{}[{digits}]", value.at_least(Binding::Atom)))
                    }
                    _ => return Err("a name or a number expected after '.'".to_owned()),
                }
            } else if self.stream.skip("[") {
                self.subscript(value)?
            } else if self.stream.is("(") {
                let mut arguments = self.arguments()?;
                match value.text.as_str() {
                    "loop.cycle" if arguments.is_empty() => {
                        return Err("loop.cycle needs values".to_owned());
                    }
                    // minijinja compares what it is given whatever that costs; text is cheap.
                    "loop.changed" => arguments = format!("[{arguments}]|{}", names::TEXT),
                    _ => {}
                }
                Written::atom(format!("{}({arguments})", value.at_least(Binding::Atom)))
            } else {
                return Ok(value);
            };
        }
    }

    /// An attribute that may be a method of its value is looked up as Python does, unless it is called at once.
    fn attribute(&self, value: Written, name: &str) -> Written {
        if methods::is_known(name) && !self.stream.is("(") && value.text != "loop" {
            return value.filtered(names::ATTRIBUTE, &[&quoted(name)]);
        }
        Written::atom(format!("{}.{name}", value.at_least(Binding::Atom)))
    }

    fn subscript(&mut self, value: Written) -> Parsed {
        let mut parts: [Option<String>; 3] = [None, None, None];
        let mut at = 0;
        let mut is_plain = false;
        loop {
            if self.stream.skip("]") {
                break;
            }
            if self.stream.skip(":") {
                at += 1;
                if at > 2 {
                    return Err("a slice has three parts at most".to_owned());
                }
                continue;
            }
            if parts[at].is_some() {
                return Err(format!("']' expected, not {}", self.stream.found()));
            }
            // Keys that can be nothing but an item are left to minijinja.
            is_plain = self.stream.is_plain_key();
            let part = if at == 0 {
                self.tuple(true, &[])?
            } else {
                self.expression()?
            };
            parts[at] = Some(part.into_text());
        }
        let [start, stop, step] = parts;
        if at == 0 {
            let key = start.ok_or("a subscript is empty")?;
            if !is_plain {
                return Ok(value.filtered(names::ITEM, &[&key]));
            }
            return Ok(Written::atom(format!(
                "{}[{key}]",
                value.at_least(Binding::Atom)
            )));
        }
        let part = |part: Option<String>| part.unwrap_or_else(|| "none".to_owned());
        Ok(value.filtered(names::SLICE, &[&part(start), &part(stop), &part(step)]))
    }

    /// Arguments with their brackets off.
    fn arguments(&mut self) -> Result<String, String> {
        self.stream.expect("(")?;
        let mut named = false;
        let mut spread = (false, false);
        let items = self.items(")", |parser| {
            if parser.stream.skip("*") {
                if spread != (false, false) {
                    return Err("a call spreads arguments twice".to_owned());
                }
                spread.0 = true;
                return Ok(format!("*{}", parser.expression()?.into_text()));
            }
            if parser.stream.skip("**") {
                if spread.1 {
                    return Err("a call spreads arguments twice".to_owned());
                }
                spread.1 = true;
                return Ok(format!("**{}", parser.expression()?.into_text()));
            }
            if spread != (false, false) && !parser.is_named() {
                return Err("an argument follows those that are spread".to_owned());
            }
            if parser.is_named() && !spread.1 {
                named = true;
                let name = parser.stream.name()?.to_owned();
                parser.stream.expect("=")?;
                return Ok(format!("{name}={}", parser.expression()?.into_text()));
            }
            if named {
                return Err("an argument without a name follows one with a name".to_owned());
            }
            parser.expression().map(Written::into_text)
        })?;
        Ok(items.join(", "))
    }

    fn is_named(&self) -> bool {
        let mut ahead = self.stream.ahead();
        matches!(ahead.next(), Some(Token::Name(_))) && ahead.is("=")
    }

    /// Filters and tests behind a value.
    fn filters(&mut self, mut value: Written) -> Parsed {
        loop {
            value = if self.stream.skip("|") {
                let filter = self.filter()?;
                Written {
                    text: format!("{}|{filter}", value.at_least(Binding::Filtered)),
                    binding: Binding::Filtered,
                }
            } else if self.stream.skip_name("is") {
                self.test(value)?
            } else if self.stream.is("(") {
                let arguments = self.arguments()?;
                Written::atom(format!("{}({arguments})", value.at_least(Binding::Atom)))
            } else {
                return Ok(value);
            };
        }
    }

    /// The filters of a tag that applies them to a block.
    pub(super) fn filter_chain(&mut self) -> Result<String, String> {
        let mut chain = self.filter()?;
        while self.stream.skip("|") {
            chain.push('|');
            chain.push_str(&self.filter()?);
        }
        Ok(chain)
    }

    fn filter(&mut self) -> Result<String, String> {
        let name = self.dotted()?;
        if name.starts_with("__") {
            return Err(format!("there is no filter '{name}'"));
        }
        if self.stream.is("(") {
            let arguments = self.arguments()?;
            return Ok(format!("{name}({arguments})"));
        }
        Ok(name)
    }

    fn test(&mut self, value: Written) -> Parsed {
        let negated = self.stream.skip_name("not");
        let name = self.dotted()?;
        let mut text = value.at_least(Binding::Filtered);
        text.push_str(if negated { " is not " } else { " is " });
        text.push_str(&name);
        let has_argument = match self.stream.peek() {
            Some(Token::Name(name)) => !["else", "or", "and"].contains(&name.as_str()),
            Some(Token::Text(_) | Token::Integer(_) | Token::Float(_)) => true,
            Some(Token::Operator(operator)) => ["[", "{"].contains(operator),
            None => false,
        };
        if self.stream.is("(") {
            text.push_str(&format!("({})", self.arguments()?));
        } else if has_argument {
            if self.stream.is_name("is") {
                return Err("a test follows a test".to_owned());
            }
            let argument = self.primary()?;
            let argument = self.postfix(argument)?;
            text.push_str(&format!("({})", argument.into_text()));
        }
        Ok(Written {
            text,
            binding: Binding::Filtered,
        })
    }

    fn dotted(&mut self) -> Result<String, String> {
        let mut name = self.stream.name()?.to_owned();
        while self.stream.skip(".") {
            name.push('.');
            name.push_str(self.stream.name()?);
        }
        Ok(name)
    }
}

fn tuple_text(items: &[String]) -> String {
    match items {
        [one] => format!("({one},)"),
        items => format!("({})", items.join(", ")),
    }
}

fn and(all: Option<Written>, one: Written) -> Written {
    match all {
        None => one,
        Some(all) => all.binary("and", one, Binding::And),
    }
}

fn compared(left: Written, operator: &str, right: Written) -> Written {
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
fn as_text(value: Written) -> String {
    if value.binding == Binding::Atom && value.text.starts_with('\'') && value.text.ends_with('\'')
    {
        return value.text;
    }
    value.filtered(names::TEXT, &[]).into_text()
}
