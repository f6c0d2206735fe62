//! What a template is made of once it is parsed.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::literal::Number;

/// A template and the templates it defines.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) root: Vec<Node>,
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(Rc<str>),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: String,
        pipe: Option<Pipe>,
        line: usize,
    },
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
}

/// `$a, $b := command | command`
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    pub(super) variables: Vec<Rc<str>>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    /// The operands of each; there is at least one.
    pub(super) commands: Vec<Vec<Operand>>,
    pub(super) line: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    Function(Rc<str>),
    /// `.A.B`; at least one name.
    Field(Vec<Rc<str>>),
    /// `$a.B`: the first is the variable with its dollar sign.
    Variable(Vec<Rc<str>>),
    Pipe(Box<Pipe>),
    /// `(…).A.B`, and functions with fields behind them.
    Chain(Box<Operand>, Vec<Rc<str>>),
}
