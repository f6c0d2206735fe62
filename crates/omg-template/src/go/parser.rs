//! Tokens to a tree, by the grammar of `text/template/parse`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::lexer::{self, Kind, Token};
use super::node::{Branch, Node, Operand, Pipe, Tree};
use super::{Fault, functions, literal};

/// Blocks and parentheses inside each other; an `else if` counts as one.
const DEEPEST: usize = 1_000;
/// Variables in scope; every use of one looks through them.
const MOST_VARIABLES: usize = 1_000;

pub(super) fn parse(source: &str) -> Result<Tree, Fault> {
    let mut parser = Parser {
        tokens: lexer::tokens(source)?,
        at: 0,
        variables: vec![Rc::from("$")],
        ranges: 0,
        depth: 0,
        defined: BTreeMap::new(),
    };
    let root = parser.root()?;
    Ok(Tree {
        root,
        defined: parser.defined,
    })
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Names in scope.
    variables: Vec<Rc<str>>,
    ranges: usize,
    depth: usize,
    defined: BTreeMap<String, Vec<Node>>,
}

/// What ends a list of nodes.
enum Terminator {
    End,
    Else,
    /// The `if` or `with` behind an `else` is the next token.
    ElseBranch,
}

enum Part {
    Node(Node),
    End(Terminator),
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
    }

    fn peek_word(&mut self) -> Token<'a> {
        self.skip_space();
        self.peek()
    }

    fn next_word(&mut self) -> Token<'a> {
        self.skip_space();
        self.next()
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token<'a>, Fault> {
        let token = self.next_word();
        if token.kind == kind {
            return Ok(token);
        }
        Err(unexpected(token, context))
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let line = self.peek().line;
            return Err(Fault::at(line, "its blocks are nested too deeply"));
        }
        Ok(())
    }

    fn root(&mut self) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        loop {
            let token = self.peek();
            if token.kind == Kind::Eof {
                return Ok(nodes);
            }
            if token.kind == Kind::LeftDelim {
                let back = self.at;
                self.at += 1;
                if self.next_word().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.at = back;
            }
            match self.part()? {
                Part::Node(node) => nodes.push(node),
                Part::End(Terminator::End) => {
                    return Err(Fault::at(token.line, "unexpected {{end}}"));
                }
                Part::End(_) => return Err(Fault::at(token.line, "unexpected {{else}}")),
            }
        }
    }

    fn definition(&mut self) -> Result<(), Fault> {
        let name = self.name("define clause")?;
        self.expect(Kind::RightDelim, "define clause")?;
        let nodes = self.own_scope()?;
        self.define(name, nodes)
    }

    /// The nodes of a template inside this one: none of the variables around it are known there.
    fn own_scope(&mut self) -> Result<Vec<Node>, Fault> {
        let variables = std::mem::replace(&mut self.variables, vec![Rc::from("$")]);
        let ranges = std::mem::take(&mut self.ranges);
        let line = self.peek().line;
        let (nodes, end) = self.list()?;
        if !matches!(end, Terminator::End) {
            return Err(Fault::at(line, "unexpected {{else}} in a definition"));
        }
        self.variables = variables;
        self.ranges = ranges;
        Ok(nodes)
    }

    /// A template may be defined again where one of the two is empty.
    fn define(&mut self, name: String, nodes: Vec<Node>) -> Result<(), Fault> {
        let line = self.peek().line;
        match self.defined.get(&name) {
            Some(known) if !is_empty(known) => {
                if is_empty(&nodes) {
                    return Ok(());
                }
                Err(Fault::at(
                    line,
                    format!("multiple definition of template {name:?}"),
                ))
            }
            _ => {
                self.defined.insert(name, nodes);
                Ok(())
            }
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, Terminator), Fault> {
        self.deeper()?;
        let mut nodes = Vec::new();
        loop {
            let token = self.peek_word();
            if token.kind == Kind::Eof {
                return Err(Fault::at(token.line, "unexpected EOF"));
            }
            match self.part()? {
                Part::Node(node) => nodes.push(node),
                Part::End(end) => {
                    self.depth -= 1;
                    return Ok((nodes, end));
                }
            }
        }
    }

    fn part(&mut self) -> Result<Part, Fault> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Part::Node(Node::Text(Rc::from(token.text)))),
            Kind::LeftDelim => self.action(),
            _ => Err(unexpected(token, "input")),
        }
    }

    fn action(&mut self) -> Result<Part, Fault> {
        let back = self.at;
        let token = self.next_word();
        let node = match token.kind {
            Kind::Block => self.block(token.line)?,
            Kind::Break | Kind::Continue => self.jump(token)?,
            Kind::Else => {
                let next = self.peek_word();
                if matches!(next.kind, Kind::If | Kind::With) {
                    return Ok(Part::End(Terminator::ElseBranch));
                }
                self.expect(Kind::RightDelim, "else")?;
                return Ok(Part::End(Terminator::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Part::End(Terminator::End));
            }
            Kind::If => Node::If(self.branch(Kind::If)?),
            Kind::Range => Node::Range(self.branch(Kind::Range)?),
            Kind::With => Node::With(self.branch(Kind::With)?),
            Kind::Template => self.template(token.line)?,
            _ => {
                self.at = back;
                Node::Action(self.pipe("command", Kind::RightDelim)?)
            }
        };
        Ok(Part::Node(node))
    }

    fn jump(&mut self, token: Token<'a>) -> Result<Node, Fault> {
        self.expect(Kind::RightDelim, token.text)?;
        if self.ranges == 0 {
            return Err(Fault::at(
                token.line,
                format!("{{{{{}}}}} outside {{{{range}}}}", token.text),
            ));
        }
        Ok(match token.kind {
            Kind::Break => Node::Break,
            _ => Node::Continue,
        })
    }

    fn branch(&mut self, kind: Kind) -> Result<Branch, Fault> {
        let scope = self.variables.len();
        let context = match kind {
            Kind::Range => "range",
            Kind::With => "with",
            _ => "if",
        };
        let pipe = self.pipe(context, Kind::RightDelim)?;
        let is_range = usize::from(kind == Kind::Range);
        self.ranges += is_range;
        let (then, end) = self.list()?;
        self.ranges -= is_range;
        let otherwise = match end {
            Terminator::End => None,
            Terminator::Else => {
                let line = self.peek().line;
                let (nodes, end) = self.list()?;
                if !matches!(end, Terminator::End) {
                    return Err(Fault::at(line, "expected end; found {{else}}"));
                }
                Some(nodes)
            }
            Terminator::ElseBranch => {
                let token = self.next_word();
                if token.kind != kind {
                    return Err(unexpected(token, context));
                }
                self.deeper()?;
                let branch = self.branch(kind)?;
                self.depth -= 1;
                Some(vec![match kind {
                    Kind::With => Node::With(branch),
                    _ => Node::If(branch),
                }])
            }
        };
        self.variables.truncate(scope);
        Ok(Branch {
            pipe,
            then,
            otherwise,
        })
    }

    fn block(&mut self, line: usize) -> Result<Node, Fault> {
        let name = self.name("block clause")?;
        let pipe = Some(self.pipe("block clause", Kind::RightDelim)?);
        let nodes = self.own_scope()?;
        self.define(name.clone(), nodes)?;
        Ok(Node::Template { name, pipe, line })
    }

    fn template(&mut self, line: usize) -> Result<Node, Fault> {
        let name = self.name("template clause")?;
        let pipe = if self.peek_word().kind == Kind::RightDelim {
            self.at += 1;
            None
        } else {
            Some(self.pipe("template clause", Kind::RightDelim)?)
        };
        Ok(Node::Template { name, pipe, line })
    }

    fn name(&mut self, context: &str) -> Result<String, Fault> {
        let token = self.next_word();
        string_of(token)?.ok_or_else(|| unexpected(token, context))
    }

    fn pipe(&mut self, context: &str, end: Kind) -> Result<Pipe, Fault> {
        let line = self.peek_word().line;
        let mut pipe = Pipe {
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
            line,
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.peek_word();
            match token.kind {
                kind if kind == end => {
                    self.at += 1;
                    break;
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawQuoted
                | Kind::Quoted
                | Kind::Variable
                | Kind::LeftParen => pipe.commands.push(self.command()?),
                _ => return Err(unexpected(token, context)),
            }
        }
        if pipe.commands.is_empty() {
            return Err(Fault::at(line, format!("missing value for {context}")));
        }
        for (stage, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command[0],
                Operand::Bool(_)
                    | Operand::Dot
                    | Operand::Nil
                    | Operand::Number(_)
                    | Operand::Text(_)
            ) {
                let reason = format!("non executable command in pipeline stage {}", stage + 1);
                return Err(Fault::at(line, reason));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), Fault> {
        loop {
            let back = self.at;
            let token = self.peek_word();
            if token.kind != Kind::Variable {
                return Ok(());
            }
            self.at += 1;
            let next = self.peek_word();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assigns = next.kind == Kind::Assign;
                    self.at += 1;
                    self.declare(pipe, token)?;
                    return Ok(());
                }
                Kind::Comma => {
                    self.at += 1;
                    self.declare(pipe, token)?;
                    if context != "range" || pipe.variables.len() > 1 {
                        return Err(Fault::at(
                            token.line,
                            format!("too many declarations in {context}"),
                        ));
                    }
                    let next = self.peek_word();
                    if !matches!(
                        next.kind,
                        Kind::Variable | Kind::RightDelim | Kind::RightParen
                    ) {
                        return Err(Fault::at(token.line, "range can only initialize variables"));
                    }
                }
                _ => {
                    self.at = back;
                    return Ok(());
                }
            }
        }
    }

    fn declare(&mut self, pipe: &mut Pipe, token: Token<'a>) -> Result<(), Fault> {
        if self.variables.len() >= MOST_VARIABLES {
            return Err(Fault::at(token.line, "it has too many variables"));
        }
        let name: Rc<str> = Rc::from(token.text);
        pipe.variables.push(Rc::clone(&name));
        self.variables.push(name);
        Ok(())
    }

    fn command(&mut self) -> Result<Vec<Operand>, Fault> {
        let mut operands = Vec::new();
        let line = self.peek_word().line;
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.at -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(unexpected(token, "operand")),
            }
        }
        if operands.is_empty() {
            return Err(Fault::at(line, "empty command"));
        }
        Ok(operands)
    }

    fn operand(&mut self) -> Result<Option<Operand>, Fault> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        let mut fields: Vec<Rc<str>> = Vec::new();
        let line = self.peek().line;
        while self.peek().kind == Kind::Field {
            fields.push(Rc::from(&self.next().text[1..]));
        }
        if fields.is_empty() {
            return Ok(Some(term));
        }
        Ok(Some(match term {
            Operand::Field(mut names) => {
                names.extend(fields);
                Operand::Field(names)
            }
            Operand::Variable(mut names) => {
                names.extend(fields);
                Operand::Variable(names)
            }
            Operand::Bool(_)
            | Operand::Text(_)
            | Operand::Number(_)
            | Operand::Nil
            | Operand::Dot => return Err(Fault::at(line, "unexpected . after a term")),
            term => Operand::Chain(Box::new(term), fields),
        }))
    }

    fn term(&mut self) -> Result<Option<Operand>, Fault> {
        let token = self.peek_word();
        let operand = match token.kind {
            Kind::Identifier => {
                if !functions::is_known(token.text) {
                    let reason = format!("function {:?} not defined", shown(token.text));
                    return Err(Fault::at(token.line, reason));
                }
                Operand::Function(Rc::from(token.text))
            }
            Kind::Dot => Operand::Dot,
            Kind::Nil => Operand::Nil,
            Kind::Variable => {
                if !self.variables.iter().any(|known| **known == *token.text) {
                    let reason = format!("undefined variable {:?}", shown(token.text));
                    return Err(Fault::at(token.line, reason));
                }
                Operand::Variable(vec![Rc::from(token.text)])
            }
            Kind::Field => Operand::Field(vec![Rc::from(&token.text[1..])]),
            Kind::Bool => Operand::Bool(token.text == "true"),
            Kind::CharConstant => number_of(token, literal::character(token.text))?,
            Kind::Number => number_of(token, literal::number(token.text))?,
            Kind::LeftParen => {
                self.at += 1;
                self.deeper()?;
                let pipe = self.pipe("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                return Ok(Some(Operand::Pipe(Box::new(pipe))));
            }
            Kind::Quoted | Kind::RawQuoted => match string_of(token)? {
                Some(text) => Operand::Text(Rc::from(text)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(operand))
    }
}

fn number_of(token: Token<'_>, number: Option<literal::Number>) -> Result<Operand, Fault> {
    number.map(Operand::Number).ok_or_else(|| {
        Fault::at(
            token.line,
            format!("illegal number syntax: {:?}", shown(token.text)),
        )
    })
}

fn string_of(token: Token<'_>) -> Result<Option<String>, Fault> {
    let text = match token.kind {
        Kind::Quoted => literal::quoted(token.text),
        Kind::RawQuoted => literal::raw_quoted(token.text),
        _ => return Ok(None),
    };
    text.map(Some)
        .ok_or_else(|| Fault::at(token.line, format!("invalid string {}", shown(token.text))))
}

/// Nothing but white space.
fn is_empty(nodes: &[Node]) -> bool {
    nodes
        .iter()
        .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

fn unexpected(token: Token<'_>, context: &str) -> Fault {
    let what = match token.kind {
        Kind::Eof => "EOF".to_owned(),
        _ => format!("{:?}", shown(token.text)),
    };
    Fault::at(token.line, format!("unexpected {what} in {context}"))
}

/// The beginning of a text that comes from the template.
fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    &text[..end]
}
