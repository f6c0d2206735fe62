//! The tokens of a tag.

use crate::methods;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    /// Decimal digits.
    Integer(String),
    Float(String),
    Operator(&'static str),
}

/// A tag between its delimiters.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) is_block: bool,
    /// The control of white space at each end: `-`, `+` or nothing.
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) tokens: Vec<Token>,
    /// Bytes, delimiters included.
    pub(super) length: usize,
}

impl Tag {
    /// The word that a block starts with.
    pub(super) fn keyword(&self) -> Option<&str> {
        match self.tokens.first() {
            Some(Token::Name(name)) if self.is_block => Some(name),
            _ => None,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    /// A stream of its own from here on.
    pub(super) fn ahead(&self) -> Self {
        Self { ..*self }
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    pub(super) fn is(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Operator(o)) if *o == operator)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(n)) if n == name)
    }

    /// Whether the name is among what is left.
    pub(super) fn holds_name(&self, name: &str) -> bool {
        let left = &self.tokens[self.at.min(self.tokens.len())..];
        left.iter()
            .any(|token| matches!(token, Token::Name(n) if n == name))
    }

    /// Whether a key follows that is a whole number or a text that names no method.
    pub(super) fn is_plain_key(&self) -> bool {
        let ends = |at: usize| matches!(self.tokens.get(at), Some(Token::Operator("]" | ":")));
        match self.peek() {
            Some(Token::Text(name)) => ends(self.at + 1) && !methods::is_known(name),
            Some(Token::Integer(_)) => ends(self.at + 1),
            Some(Token::Operator("-")) => {
                matches!(self.tokens.get(self.at + 1), Some(Token::Integer(_))) && ends(self.at + 2)
            }
            _ => false,
        }
    }

    pub(super) fn is_name_and(&self, first: &str, second: &str) -> bool {
        self.is_name(first)
            && matches!(self.tokens.get(self.at + 1), Some(Token::Name(n)) if n == second)
    }

    pub(super) fn skip(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        self.at += usize::from(found);
        found
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<(), String> {
        if self.skip(operator) {
            return Ok(());
        }
        Err(format!("'{operator}' expected, not {}", self.found()))
    }

    pub(super) fn name(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(format!("a name expected, not {}", self.found())),
        }
    }

    pub(super) fn end(&self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(format!("the end of the tag expected, not {}", self.found())),
        }
    }

    /// The next token in words.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end of the tag".to_owned(),
            Some(Token::Name(name)) => format!("'{name}'"),
            Some(Token::Text(_)) => "a text".to_owned(),
            Some(Token::Integer(digits) | Token::Float(digits)) => format!("'{digits}'"),
            Some(Token::Operator(operator)) => format!("'{operator}'"),
        }
    }
}
