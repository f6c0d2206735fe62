//! What Ollama adds to Go's templates: the values of a chat, how they print, and how a conversation is written with a template that
//! knows one exchange only. Source: the packages `template` and `api` of ollama/ollama.

mod conversation;
mod cut;
mod names;
mod shapes;
mod types;

pub(super) use conversation::{Conversation, render, value_of};
pub(super) use names::names;
pub(super) use shapes::{empty_property, is_property};
pub(super) use types::type_script;

use super::node::{Node, Operand, Pipe, Tree};

/// The answer is written behind a template that has no place for it.
pub(super) fn complete(tree: &mut Tree) {
    let names = names(tree);
    if names.contains("messages") || names.contains("response") {
        return;
    }
    let response = Operand::Field(vec!["Response".into()]);
    tree.root.push(Node::Action(Pipe {
        variables: Vec::new(),
        assigns: false,
        commands: vec![vec![response]],
        line: 1,
    }));
}
