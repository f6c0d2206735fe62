//! Chat templates: Jinja2 as transformers sets it up, over minijinja.
//!
//! A template is a program by whoever published the model. It reaches nothing but the variables of its job, and its work is bounded:
//! each render has fuel, which instructions, loops and bytes use up, and nothing is allocated that the fuel left could not pay for.
//! Hostile templates are refused within a second; no template makes this crate panic or overflow the stack.
//!
//! What comes out is held to a corpus that Jinja2 itself wrote, `scripts/fixtures/templates`; what differs is listed in
//! `tests/corpus.rs`. Source: Jinja2 3.1 and transformers' `chat_template_utils.py`.

mod arguments;
mod arithmetic;
mod compare;
mod environment;
mod filters;
mod format;
mod functions;
mod go;
mod lookup;
mod methods;
mod number;
mod objects;
mod operators;
mod python;
mod python_text;
mod source;
mod strftime;
mod tests;
mod tojson;
mod variables;
mod wrap;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::{Environment, ErrorKind};

pub use go::{go_names, render_go, render_go_value};
pub use strftime::Moment;

/// What one render may do: an instruction costs one, data about one per 32 bytes. What is nested most by it fits `STACK`.
const FUEL: u64 = 10_000_000;

/// More text than any context window holds; a template that writes more is broken or hostile.
const LONGEST_TEXT: usize = 16 << 20;

/// Larger than any real template by a factor of ten.
const LONGEST_TEMPLATE: usize = 1 << 20;

const MOST_COMPILED: usize = 16;

/// Three times what the deepest value that the fuel can nest takes when it is dropped; code that is not optimised takes more. Memory is
/// taken only where it is used.
const STACK: usize = if cfg!(debug_assertions) {
    2 << 30
} else {
    512 << 20
};

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What the template itself says by `raise_exception`, word for word.
    #[error("{0}")]
    Raised(String),
    /// The template is no Jinja, or does what Jinja2 refuses too. Says why and on which line.
    #[error("{0}")]
    Failed(String),
    /// It does more work, or writes more text, than any template needs.
    #[error("it needs too much work")]
    TooMuchWork,
    /// The variables are no JSON object.
    #[error("the variables are not a JSON object: {0}")]
    Variables(String),
}

impl Refused {
    /// The code under which the refusal crosses process borders.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Raised(_) | Self::Failed(_) | Self::TooMuchWork => "template_failed",
            Self::Variables(_) => "invalid_request",
        }
    }

    /// One word per kind, for those who tell refusals apart: `raised`, `failed`, `too_much_work` or `variables`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Raised(_) => "raised",
            Self::Failed(_) => "failed",
            Self::TooMuchWork => "too_much_work",
            Self::Variables(_) => "variables",
        }
    }
}

/// Renders templates and remembers the last compiled ones.
#[derive(Debug, Default)]
pub struct Renderer {
    compiled: HashMap<String, Compiled>,
    turn: u64,
}

#[derive(Debug)]
struct Compiled {
    environment: Environment<'static>,
    used: u64,
}

const NAME: &str = "chat_template";

impl Renderer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Renders `template` with the members of `variables`, a JSON object. `now` is what `strftime_now` shows.
    pub fn render(
        &mut self,
        template: &str,
        variables: &str,
        now: Moment,
    ) -> Result<String, Refused> {
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("omg-template".to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, || self.render_here(template, variables, now))
                .map_err(|error| Refused::Failed(format!("no thread could be started: {error}")))?
                .join()
                .unwrap_or_else(|_| Err(engine_failed()))
        })
    }

    fn render_here(
        &mut self,
        template: &str,
        variables: &str,
        now: Moment,
    ) -> Result<String, Refused> {
        let variables = variables::parse(variables).map_err(Refused::Variables)?;
        let environment = self.compile(template)?;
        // A bug of the template engine must not be worth more to an attacker than a refusal.
        let text = catch_unwind(AssertUnwindSafe(|| {
            strftime::at(now, || environment.get_template(NAME)?.render(variables))
        }))
        .map_err(|_| engine_failed())?
        .map_err(|e| refusal(&e))?;
        if text.len() > LONGEST_TEXT {
            return Err(Refused::TooMuchWork);
        }
        Ok(text)
    }

    fn compile(&mut self, template: &str) -> Result<&Environment<'static>, Refused> {
        self.turn += 1;
        if !self.compiled.contains_key(template) {
            let environment = compiled(template)?;
            if self.compiled.len() >= MOST_COMPILED {
                let oldest = self.compiled.iter().min_by_key(|(_, c)| c.used);
                if let Some(source) = oldest.map(|(source, _)| source.clone()) {
                    self.compiled.remove(&source);
                }
            }
            self.compiled.insert(
                template.to_owned(),
                Compiled {
                    environment,
                    used: 0,
                },
            );
        }
        let compiled = self
            .compiled
            .get_mut(template)
            .expect("it was inserted above");
        compiled.used = self.turn;
        Ok(&compiled.environment)
    }
}

fn compiled(template: &str) -> Result<Environment<'static>, Refused> {
    if template.len() > LONGEST_TEMPLATE {
        return Err(Refused::Failed(format!(
            "it is longer than {LONGEST_TEMPLATE} bytes"
        )));
    }
    let source = source::translate(template)
        .map_err(|error| Refused::Failed(format!("{} (line {})", error.reason, error.line)))?;
    let mut environment = environment::new(FUEL);
    catch_unwind(AssertUnwindSafe(|| {
        environment.add_template_owned(NAME, source)
    }))
    .map_err(|_| engine_failed())?
    .map_err(|e| refusal(&e))?;
    Ok(environment)
}

fn engine_failed() -> Refused {
    Refused::Failed("the template engine failed".to_owned())
}

fn refusal(error: &minijinja::Error) -> Refused {
    let mut cause = error;
    // Errors inside macros and loops come wrapped in the error of what called them.
    while let Some(inner) =
        std::error::Error::source(cause).and_then(|e| e.downcast_ref::<minijinja::Error>())
    {
        cause = inner;
    }
    if cause.kind() == ErrorKind::OutOfFuel {
        return Refused::TooMuchWork;
    }
    if let Some(raised) =
        std::error::Error::source(cause).and_then(|e| e.downcast_ref::<environment::Raised>())
    {
        return Refused::Raised(raised.0.clone());
    }
    let reason = match (cause.kind(), cause.detail()) {
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    Refused::Failed(match cause.line() {
        Some(line) => format!("{reason} (line {line})"),
        None => reason,
    })
}
