//! Text to tokens, as `text/template/parse` cuts it: literal text, and what stands between `{{` and `}}`.

use super::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    LeftDelim,
    RightDelim,
    Space,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    Comma,
    /// Any other printable character; no grammar rule takes one.
    Char,
    Dot,
    /// With its dot.
    Field,
    /// With its dollar sign.
    Variable,
    Identifier,
    Bool,
    Nil,
    Number,
    CharConstant,
    Quoted,
    RawQuoted,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
    Eof,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) line: usize,
}

pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
        counted: 0,
        parens: 0,
        out: Vec::new(),
    };
    lexer.text()?;
    Ok(lexer.out)
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    /// The line of the byte `counted`.
    line: usize,
    counted: usize,
    parens: usize,
    out: Vec<Token<'a>>,
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, accepted: impl Fn(char) -> bool) -> bool {
        let found = self.peek().is_some_and(accepted);
        if found {
            self.next();
        }
        found
    }

    fn take_run(&mut self, accepted: impl Fn(char) -> bool) {
        while self.take(&accepted) {}
    }

    fn emit(&mut self, kind: Kind, from: usize) {
        let text = &self.source[from..self.at];
        self.push(kind, text, from);
    }

    fn push(&mut self, kind: Kind, text: &'a str, from: usize) {
        let line = self.line_of(from);
        self.out.push(Token { kind, text, line });
    }

    fn line_of(&mut self, at: usize) -> usize {
        if at > self.counted {
            self.line += self.source[self.counted..at].matches('\n').count();
            self.counted = at;
        }
        self.line
    }

    fn fault<T>(&mut self, reason: impl Into<String>) -> Result<T, Fault> {
        let line = self.line_of(self.at);
        Err(Fault::at(line, reason))
    }

    fn text(&mut self) -> Result<(), Fault> {
        while let Some(found) = self.rest().find("{{") {
            let from = self.at;
            let open = from + found;
            self.at = open + 2;
            let trims = self.trims_left();
            let mut text = &self.source[from..open];
            if trims {
                text = text.trim_end_matches(SPACES);
                self.at += 2;
            }
            if !text.is_empty() {
                self.push(Kind::Text, text, from);
            }
            if self.rest().starts_with("/*") {
                self.comment()?;
            } else {
                self.push(Kind::LeftDelim, "{{", open);
                self.parens = 0;
                self.inside()?;
            }
        }
        let from = self.at;
        self.at = self.source.len();
        if from < self.at {
            self.emit(Kind::Text, from);
        }
        self.emit(Kind::Eof, self.at);
        Ok(())
    }

    /// Whether `- ` stands behind the left delimiter.
    fn trims_left(&self) -> bool {
        let mut rest = self.rest().chars();
        rest.next() == Some('-') && rest.next().is_some_and(|c| SPACES.contains(&c))
    }

    /// The length of the right delimiter here, with ` -` before it where that is so.
    fn right_delim(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some((2, false));
        }
        let trimmed = rest
            .strip_prefix(SPACES)
            .is_some_and(|r| r.starts_with("-}}"));
        trimmed.then_some((4, true))
    }

    fn close(&mut self, (length, trims): (usize, bool)) {
        self.at += length;
        if trims {
            self.take_run(|c| SPACES.contains(&c));
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let Some(end) = self.rest()[2..].find("*/") else {
            return self.fault("unclosed comment");
        };
        self.at += 2 + end + 2;
        match self.right_delim() {
            Some(delim) => {
                self.close(delim);
                Ok(())
            }
            None => self.fault("comment ends before closing delimiter"),
        }
    }

    fn inside(&mut self) -> Result<(), Fault> {
        loop {
            if let Some(delim) = self.right_delim() {
                if self.parens > 0 {
                    return self.fault("unclosed left paren");
                }
                let from = self.at;
                self.at += delim.0;
                self.emit(Kind::RightDelim, from);
                self.at = from;
                self.close(delim);
                return Ok(());
            }
            self.token()?;
        }
    }

    fn token(&mut self) -> Result<(), Fault> {
        let from = self.at;
        let Some(c) = self.next() else {
            return self.fault("unclosed action");
        };
        let kind = match c {
            _ if SPACES.contains(&c) => {
                // The last space may belong to ` -}}`.
                while self.peek().is_some_and(|c| SPACES.contains(&c))
                    && self.right_delim().is_none()
                {
                    self.next();
                }
                Kind::Space
            }
            '=' => Kind::Assign,
            ':' => {
                if !self.take(|c| c == '=') {
                    return self.fault("expected :=");
                }
                Kind::Declare
            }
            '|' => Kind::Pipe,
            '"' => self.quoted('"', "unterminated quoted string", Kind::Quoted)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
            '`' => {
                let Some(end) = self.rest().find('`') else {
                    return self.fault("unterminated raw quoted string");
                };
                self.at += end + 1;
                Kind::RawQuoted
            }
            '$' => {
                self.word()?;
                Kind::Variable
            }
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.word()?;
                if self.at == from + 1 {
                    Kind::Dot
                } else {
                    Kind::Field
                }
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at = from;
                self.number()?
            }
            _ if is_alphanumeric(c) => {
                self.word()?;
                keyword(&self.source[from..self.at])
            }
            '(' => {
                self.parens += 1;
                Kind::LeftParen
            }
            ')' if self.parens > 0 => {
                self.parens -= 1;
                Kind::RightParen
            }
            ')' => return self.fault("unexpected right paren"),
            ',' => Kind::Comma,
            '!'..='~' => Kind::Char,
            _ => return self.fault(format!("unrecognized character in action: {c:?}")),
        };
        self.emit(kind, from);
        Ok(())
    }

    /// The rest of a name, behind which something must stand that can follow one.
    fn word(&mut self) -> Result<(), Fault> {
        self.take_run(is_alphanumeric);
        let ends = match self.peek() {
            None => true,
            Some(c) => SPACES.contains(&c) || ".,|:)(".contains(c) || self.rest().starts_with("}}"),
        };
        if ends {
            return Ok(());
        }
        let bad = self.peek().unwrap_or_default();
        self.fault(format!("bad character {bad:?}"))
    }

    fn quoted(&mut self, quote: char, unterminated: &str, kind: Kind) -> Result<Kind, Fault> {
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(kind),
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\\' | '\n') => return self.fault(unterminated),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        let from = self.at;
        self.take(|c| c == '+' || c == '-');
        let mut digits: fn(char) -> bool = |c| c.is_ascii_digit() || c == '_';
        let mut hex = false;
        let mut decimal = true;
        if self.take(|c| c == '0') {
            if self.take(|c| c == 'x' || c == 'X') {
                digits = |c| c.is_ascii_hexdigit() || c == '_';
                hex = true;
                decimal = false;
            } else if self.take(|c| matches!(c, 'o' | 'O' | 'b' | 'B')) {
                decimal = false;
            }
        }
        self.take_run(digits);
        if self.take(|c| c == '.') {
            self.take_run(digits);
        }
        if decimal && self.take(|c| c == 'e' || c == 'E')
            || hex && self.take(|c| c == 'p' || c == 'P')
        {
            self.take(|c| c == '+' || c == '-');
            self.take_run(|c| c.is_ascii_digit() || c == '_');
        }
        if self
            .peek()
            .is_some_and(|c| is_alphanumeric(c) || c == '+' || c == '-')
        {
            let shown = &self.source[from..self.at];
            return self.fault(format!("bad number syntax: {shown:?}"));
        }
        Ok(Kind::Number)
    }
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn keyword(word: &str) -> Kind {
    match word {
        "block" => Kind::Block,
        "break" => Kind::Break,
        "continue" => Kind::Continue,
        "define" => Kind::Define,
        "else" => Kind::Else,
        "end" => Kind::End,
        "false" | "true" => Kind::Bool,
        "if" => Kind::If,
        "nil" => Kind::Nil,
        "range" => Kind::Range,
        "template" => Kind::Template,
        "with" => Kind::With,
        _ => Kind::Identifier,
    }
}
