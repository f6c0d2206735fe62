//! The names of fields and variables that a template uses, by which Ollama finds out what a model can do.

use std::collections::BTreeSet;

use crate::go::node::{Branch, Node, Operand, Pipe, Tree};

/// In lower case: `messages`, `tools`, `suffix` and so on, variables with their dollar sign.
pub(in crate::go) fn names(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    of_nodes(&tree.root, &mut found);
    for nodes in tree.defined.values() {
        of_nodes(nodes, &mut found);
    }
    found
}

fn of_nodes(nodes: &[Node], found: &mut BTreeSet<String>) {
    for node in nodes {
        match node {
            Node::Action(pipe) => of_pipe(pipe, found),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => of_branch(branch, found),
            Node::Template { pipe, .. } => {
                if let Some(pipe) = pipe {
                    of_pipe(pipe, found);
                }
            }
            Node::Text(_) | Node::Break | Node::Continue => {}
        }
    }
}

fn of_branch(branch: &Branch, found: &mut BTreeSet<String>) {
    of_pipe(&branch.pipe, found);
    of_nodes(&branch.then, found);
    if let Some(nodes) = &branch.otherwise {
        of_nodes(nodes, found);
    }
}

fn of_pipe(pipe: &Pipe, found: &mut BTreeSet<String>) {
    for operand in pipe.commands.iter().flatten() {
        of_operand(operand, found);
    }
}

fn of_operand(operand: &Operand, found: &mut BTreeSet<String>) {
    match operand {
        Operand::Field(names) | Operand::Variable(names) => {
            found.extend(names.iter().map(|name| name.to_lowercase()));
        }
        Operand::Pipe(pipe) => of_pipe(pipe, found),
        Operand::Chain(of, names) => {
            of_operand(of, found);
            found.extend(names.iter().map(|name| name.to_lowercase()));
        }
        _ => {}
    }
}
