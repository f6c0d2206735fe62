//! Expressions by Jinja2's grammar, written as minijinja's.

use super::literal::quoted;
use super::names;
use super::tokens::{Stream, Token};
use super::written::{Binding, Written, and, as_text, compared, tuple_text};

/// Python's own recursion limit stops Jinja2 at about this depth.
const DEEPEST: usize = 64;

/// Longer operands of a chain of comparisons are refused.
const LONGEST_MIDDLE: usize = 400;

pub(super) type Parsed = Result<Written, String>;

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

    pub(super) fn primary(&mut self) -> Parsed {
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

    pub(super) fn items(
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
}
