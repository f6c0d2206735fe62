//! Runs a tree over its values, by the rules of `text/template`.

use std::rc::Rc;

use super::budget::{Budget, LONGEST_TEXT};
use super::functions::{self, CallFault, Wanted};
use super::literal::Number;
use super::node::{Branch, Node, Operand, Pipe, Tree};
use super::value::Value;
use super::{Day, Fault, format, ollama};

/// Blocks, parentheses and templates inside each other, as the stack has room for. Go lets 100,000 templates call each other.
const DEEPEST: usize = 10_000;
/// Variables looked at for one step.
const VARIABLES: usize = 16;

/// What is left of a list of nodes when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One render. `'t` is the life of the tree and of what is run besides it.
pub(super) struct Evaluator<'t> {
    tree: &'t Tree,
    budget: Budget,
    today: Day,
    out: String,
    variables: Vec<(Rc<str>, Value)>,
    depth: usize,
    line: usize,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(tree: &'t Tree, today: Day, budget: Budget) -> Self {
        Self {
            tree,
            budget,
            today,
            out: String::new(),
            variables: Vec::new(),
            depth: 0,
            line: 1,
        }
    }

    /// Adds what `nodes` write for `dot` to the output.
    pub(super) fn run(&mut self, nodes: &'t [Node], dot: &Value) -> Result<(), Fault> {
        self.variables = vec![(Rc::from("$"), dot.clone())];
        self.walk(nodes, dot).map(|_| ())
    }

    /// All that was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::at(self.line, reason))
    }

    fn write(&mut self, text: &str) -> Result<(), Fault> {
        self.budget.text(text.len())?;
        if self.out.len() + text.len() > LONGEST_TEXT {
            return Err(Fault::TooMuchWork);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn walk(&mut self, nodes: &'t [Node], dot: &Value) -> Result<Flow, Fault> {
        self.deeper()?;
        let flow = self.walk_here(nodes, dot)?;
        self.depth -= 1;
        Ok(flow)
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.fault("its templates call each other too deeply");
        }
        Ok(())
    }

    fn walk_here(&mut self, nodes: &'t [Node], dot: &Value) -> Result<Flow, Fault> {
        for node in nodes {
            self.budget.step()?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        let text = format::printed(&value, &mut self.budget)?;
                        self.write(&text)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.branch(dot, branch, false)?,
                Node::With(branch) => self.branch(dot, branch, true)?,
                Node::Range(branch) => self.range(dot, branch)?,
                Node::Template { name, pipe, line } => {
                    self.line = *line;
                    self.template(dot, name, pipe.as_ref())?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, dot: &Value, branch: &'t Branch, sets_dot: bool) -> Result<Flow, Fault> {
        let scope = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            self.walk(&branch.then, if sets_dot { &value } else { dot })?
        } else {
            match &branch.otherwise {
                Some(nodes) => self.walk(nodes, dot)?,
                None => Flow::Next,
            }
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Result<Flow, Fault> {
        let scope = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let mut ran = false;
        match &value {
            Value::Int(_) | Value::Byte(_) => {
                let most = match value {
                    Value::Int(number) => number,
                    Value::Byte(number) => i64::from(number),
                    _ => 0,
                };
                if branch.pipe.variables.len() > 1 {
                    return self.fault(format!(
                        "can't use {most} to iterate over more than one variable"
                    ));
                }
                for number in 0..most {
                    ran = true;
                    if self.iteration(branch, Value::Missing, Value::Int(number))? {
                        break;
                    }
                }
            }
            Value::List(list) => {
                for (at, item) in list.items.iter().enumerate() {
                    ran = true;
                    let at = Value::Int(i64::try_from(at).unwrap_or(i64::MAX));
                    if self.iteration(branch, at, item.clone())? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in &map.members {
                    ran = true;
                    if self.iteration(branch, Value::Text(Rc::clone(key)), item.clone())? {
                        break;
                    }
                }
            }
            Value::Missing | Value::Nil => {}
            other => {
                return self.fault(format!("range can't iterate over a {}", other.type_name()));
            }
        }
        let flow = match &branch.otherwise {
            Some(nodes) if !ran => self.walk(nodes, dot)?,
            _ => Flow::Next,
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    /// True after a `break`.
    fn iteration(
        &mut self,
        branch: &'t Branch,
        index: Value,
        element: Value,
    ) -> Result<bool, Fault> {
        self.budget.step()?;
        let names = &branch.pipe.variables;
        if branch.pipe.assigns {
            if let [name, rest @ ..] = names.as_slice() {
                let first = if rest.is_empty() { &element } else { &index };
                self.set(name, first.clone())?;
            }
            if let [_, name] = names.as_slice() {
                self.set(name, element.clone())?;
            }
        } else {
            // The pipeline has pushed them, the element's last.
            let top = self.variables.len();
            if !names.is_empty() {
                self.variables[top - 1].1 = element.clone();
            }
            if names.len() > 1 {
                self.variables[top - 2].1 = index;
            }
        }
        let scope = self.variables.len();
        let flow = self.walk(&branch.then, &element)?;
        self.variables.truncate(scope);
        Ok(flow == Flow::Break)
    }

    fn template(&mut self, dot: &Value, name: &str, pipe: Option<&'t Pipe>) -> Result<(), Fault> {
        let Some(nodes) = self.tree.defined.get(name) else {
            let shown: String = name.chars().take(40).collect();
            return self.fault(format!("template {shown:?} not defined"));
        };
        let value = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Missing,
        };
        let outer = std::mem::replace(&mut self.variables, vec![(Rc::from("$"), value.clone())]);
        self.walk(nodes, &value)?;
        self.variables = outer;
        Ok(())
    }

    fn pipe(&mut self, dot: &Value, pipe: &'t Pipe) -> Result<Value, Fault> {
        self.deeper()?;
        self.line = pipe.line;
        let mut value = None;
        for command in &pipe.commands {
            self.budget.step()?;
            value = Some(self.command(dot, command, value)?.concrete());
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipe.variables {
            if pipe.assigns {
                self.set(name, value.clone())?;
            } else {
                self.variables.push((Rc::clone(name), value.clone()));
            }
        }
        self.depth -= 1;
        Ok(value)
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        let at = self.variable(name)?;
        self.variables[at].1 = value;
        Ok(())
    }

    /// Where the innermost variable of a name is.
    fn variable(&mut self, name: &str) -> Result<usize, Fault> {
        let found = self
            .variables
            .iter()
            .rposition(|(known, _)| **known == *name);
        let looked_at = self.variables.len() - found.unwrap_or_default();
        self.budget.steps(looked_at / VARIABLES)?;
        match found {
            Some(at) => Ok(at),
            None => self.fault("undefined variable"),
        }
    }

    /// `last` is the value of the command before, which becomes the last argument.
    fn command(
        &mut self,
        dot: &Value,
        operands: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let [first, arguments @ ..] = operands else {
            return self.fault("empty command");
        };
        if let Operand::Function(name) = first {
            return self.function(dot, name, arguments, last);
        }
        if !arguments.is_empty() || last.is_some() {
            return self.fault("can't give argument to non-function");
        }
        if matches!(first, Operand::Nil) {
            return self.fault("nil is not a command");
        }
        self.operand(dot, first)
    }

    fn operand(&mut self, dot: &Value, operand: &'t Operand) -> Result<Value, Fault> {
        Ok(match operand {
            Operand::Dot => dot.clone(),
            Operand::Nil => Value::Missing,
            Operand::Bool(value) => Value::Bool(*value),
            Operand::Number(Number::Int(number)) => Value::Int(*number),
            Operand::Number(Number::Float(number)) => Value::Float(*number),
            Operand::Number(Number::TooLarge) => return self.fault("a number overflows int"),
            Operand::Text(text) => Value::Text(Rc::clone(text)),
            Operand::Function(name) => self.function(dot, name, &[], None)?,
            Operand::Field(names) => self.fields(dot.clone(), names)?,
            Operand::Variable(names) => {
                let (name, fields) = match names.as_slice() {
                    [name, fields @ ..] => (name, fields),
                    [] => return self.fault("undefined variable"),
                };
                let at = self.variable(name)?;
                self.fields(self.variables[at].1.clone(), fields)?
            }
            Operand::Pipe(pipe) => {
                let line = self.line;
                let value = self.pipe(dot, pipe)?;
                self.line = line;
                value
            }
            Operand::Chain(of, names) => {
                let value = self.operand(dot, of)?.concrete();
                self.fields(value, names)?
            }
        })
    }

    fn fields(&mut self, mut value: Value, names: &[Rc<str>]) -> Result<Value, Fault> {
        for name in names {
            self.budget.step()?;
            value = self.field(value, name)?;
        }
        Ok(value)
    }

    fn field(&mut self, of: Value, name: &Rc<str>) -> Result<Value, Fault> {
        match &of {
            Value::Missing => return Ok(Value::Missing),
            Value::Nil => {
                let reason = format!("nil pointer evaluating interface {{}}.{}", shown(name));
                return self.fault(reason);
            }
            _ => {}
        }
        if let Some(value) = self.method(&of, name)? {
            return Ok(value);
        }
        let found = match &of {
            Value::Map(map) => Some(match map.members.get(name) {
                Some(value) => value.clone(),
                None => functions::zero(map),
            }),
            Value::Struct(value) => value.field(name).cloned(),
            _ => None,
        };
        match found {
            Some(value) => Ok(value),
            None => self.fault(format!(
                "can't evaluate field {} in type {}",
                shown(name),
                of.type_name()
            )),
        }
    }

    /// The methods of Ollama's types that take nothing.
    fn method(&mut self, of: &Value, name: &str) -> Result<Option<Value>, Fault> {
        match name {
            "String" => Ok(format::own_text(of, &mut self.budget)?.map(Value::text)),
            "ToTypeScriptType" if ollama::is_property(of) => {
                ollama::type_script(of, &mut self.budget)
                    .map(Value::text)
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    fn function(
        &mut self,
        dot: &Value,
        name: &str,
        operands: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        self.budget.step()?;
        let given = operands.len() + usize::from(last.is_some());
        match functions::arity(name) {
            Some(arity) if given >= arity.least && arity.most.is_none_or(|most| given <= most) => {}
            Some(_) => return self.fault(format!("wrong number of args for {name}: {given}")),
            None => return self.fault("a function is not defined"),
        }
        if name == "and" || name == "or" {
            let mut value = Value::Missing;
            for operand in operands {
                value = self.operand(dot, operand)?.concrete();
                if value.is_true() == (name == "or") {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut arguments = Vec::with_capacity(given);
        for operand in operands {
            arguments.push(self.operand(dot, operand)?.concrete());
        }
        arguments.extend(last);
        for (at, value) in arguments.iter().enumerate() {
            if functions::wanted(name, at) == Wanted::Text && !matches!(value, Value::Text(_)) {
                return self.fault(format!(
                    "wrong type for value; {name} expects string; got {}",
                    value.type_name()
                ));
            }
        }
        match functions::call(name, &arguments, self.today, &mut self.budget) {
            Ok(value) => Ok(value),
            Err(CallFault::Reason(reason)) => self.fault(format!("error calling {name}: {reason}")),
            Err(CallFault::Fault(fault)) => Err(fault),
        }
    }
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
