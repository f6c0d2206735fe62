//! What follows a value: attributes, subscripts, calls, filters and tests.

use super::expression::{Parsed, Parser};
use super::literal::quoted;
use super::names;
use super::tokens::Token;
use super::written::{Binding, Written};
use crate::methods;

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut value: Written) -> Parsed {
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
            let key = start.unwrap_or_else(|| "()".to_owned());
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
    pub(super) fn filters(&mut self, mut value: Written) -> Parsed {
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
