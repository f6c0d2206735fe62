//! The beginning of a template, up to where the answer stands: what the last exchange is written with.

use crate::go::node::{Branch, Node, Operand, Pipe};

/// All up to the first `.Response` that is written, which stays. Conditions do not count, and what stands in a block that holds the
/// answer, and behind it, goes with the rest.
pub(super) fn up_to_response(nodes: &[Node]) -> Vec<Node> {
    let mut cutter = Cutter { cut: false };
    cutter.nodes(nodes)
}

struct Cutter {
    cut: bool,
}

impl Cutter {
    fn nodes(&mut self, nodes: &[Node]) -> Vec<Node> {
        let mut kept = Vec::new();
        for node in nodes {
            if self.cut {
                break;
            }
            match node {
                Node::Action(pipe) => {
                    if let Some(pipe) = self.pipe(pipe) {
                        kept.push(Node::Action(pipe));
                    }
                }
                Node::If(branch) => kept.push(Node::If(self.branch(branch))),
                Node::With(branch) => kept.push(Node::With(self.branch(branch))),
                Node::Range(branch) => kept.push(Node::Range(self.branch(branch))),
                other => kept.push(other.clone()),
            }
        }
        kept
    }

    fn branch(&mut self, branch: &Branch) -> Branch {
        let then = self.nodes(&branch.then);
        let otherwise = match &branch.otherwise {
            Some(nodes) if !self.cut => Some(self.nodes(nodes)),
            _ => None,
        };
        Branch {
            pipe: branch.pipe.clone(),
            then,
            otherwise,
        }
    }

    /// None where a command loses all its operands.
    fn pipe(&mut self, pipe: &Pipe) -> Option<Pipe> {
        let mut commands = Vec::new();
        for command in &pipe.commands {
            let mut operands = Vec::new();
            for operand in command {
                if let Some(operand) = self.operand(operand) {
                    operands.push(operand);
                }
            }
            if operands.is_empty() {
                return None;
            }
            commands.push(operands);
        }
        Some(Pipe {
            commands,
            ..pipe.clone()
        })
    }

    fn operand(&mut self, operand: &Operand) -> Option<Operand> {
        if let Operand::Field(names) = operand
            && names.iter().any(|name| **name == *"Response")
        {
            self.cut = true;
            return Some(operand.clone());
        }
        if self.cut {
            return None;
        }
        match operand {
            Operand::Pipe(pipe) => self.pipe(pipe).map(|pipe| Operand::Pipe(Box::new(pipe))),
            other => Some(other.clone()),
        }
    }
}
