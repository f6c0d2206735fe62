//! Go's `text/template` as Ollama uses it: templates of Modelfiles, of `/api/create` and of models of Ollama's registry.
//!
//! They reach nothing but the values of their conversation, and their work is bounded as that of Jinja templates is: each render has
//! a number of steps, of which written text uses up its part, and blocks, templates and values nest to a depth that the stack holds.
//! What comes out is held to what Go itself writes, by `scripts/fixtures/go-templates`.

mod budget;
mod compare;
mod day;
mod escape;
mod evaluator;
mod fault;
mod format;
mod functions;
mod json;
mod lexer;
mod literal;
mod node;
mod ollama;
mod parser;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};

use day::Day;
use fault::Fault;

use crate::{LONGEST_TEMPLATE, Moment, Refused, STACK};

/// Writes a conversation with a Go template. `conversation` is a JSON object in the shapes of Ollama's API: `{messages, tools?, think?,
/// think_level?}`, or `{prompt, suffix}` for a text with a gap. `now` is what `currentDate` shows.
pub fn render_go(template: &str, conversation: &str, now: Moment) -> Result<String, Refused> {
    aside(|| {
        let conversation = ollama::Conversation::parse(conversation).map_err(Refused::Variables)?;
        let tree = tree_of(template)?;
        Ok(ollama::render(&tree, &conversation, now.into())?)
    })
}

/// The names of the fields and variables that a Go template uses, in lower case. They say what its model can do: `tools`, `suffix`.
pub fn go_names(template: &str) -> Result<Vec<String>, Refused> {
    aside(|| Ok(ollama::names(&tree_of(template)?).into_iter().collect()))
}

/// Runs a Go template over a JSON value as it is, without what Ollama adds but its functions.
pub fn render_go_value(template: &str, value: &str, now: Moment) -> Result<String, Refused> {
    aside(|| {
        let parsed = jiter::JsonValue::parse(value.as_bytes(), false)
            .map_err(|error| Refused::Variables(error.description(value.as_bytes())))?;
        check_length(template)?;
        let tree = parser::parse(template)?;
        let mut evaluator = evaluator::Evaluator::new(&tree, now.into(), budget::Budget::new());
        evaluator.run(&tree.root, &ollama::value_of(&parsed).concrete())?;
        Ok(evaluator.finish())
    })
}

fn tree_of(template: &str) -> Result<node::Tree, Refused> {
    check_length(template)?;
    let mut tree = parser::parse(template)?;
    ollama::complete(&mut tree);
    Ok(tree)
}

fn check_length(template: &str) -> Result<(), Refused> {
    if template.len() > LONGEST_TEMPLATE {
        return Err(Refused::Failed(format!(
            "it is longer than {LONGEST_TEMPLATE} bytes"
        )));
    }
    Ok(())
}

/// On a thread with room for the deepest template. A bug here must not be worth more to an attacker than a refusal.
fn aside<T: Send>(work: impl FnOnce() -> Result<T, Refused> + Send) -> Result<T, Refused> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("omg-template".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || catch_unwind(AssertUnwindSafe(work)))
            .map_err(|error| Refused::Failed(format!("no thread could be started: {error}")))?
            .join()
            .and_then(|result| result)
            .unwrap_or_else(|_| Err(crate::engine_failed()))
    })
}
