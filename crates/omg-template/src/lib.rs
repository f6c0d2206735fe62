//! Chat templates: Jinja2 as transformers sets it up, over minijinja. A template is a program by whoever published the model, so
//! its work is bounded (`FUEL`), and it reaches nothing but the variables of its job.

mod environment;
mod filters;
mod methods;
mod number;
mod python_text;
mod strftime;
mod tojson;
mod variables;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::{Environment, ErrorKind};

pub use strftime::Moment;

/// What one render may do: an instruction costs one, data about one per 64 bytes. Long conversations with many tools stay below 5 million.
const FUEL: u64 = 64_000_000;

/// More text than any context window holds; a template that writes more is broken or hostile.
const LONGEST_TEXT: usize = 16 << 20;

/// Larger than any real template by a factor of ten.
const LONGEST_TEMPLATE: usize = 1 << 20;

const MOST_COMPILED: usize = 16;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What the template itself says by `raise_exception`.
    #[error("{0}")]
    Raised(String),
    /// The template is no Jinja, or does what Jinja2 refuses too.
    #[error("{0}")]
    Failed(String),
    /// It does more work, or writes more text, than any template needs.
    #[error("it needs too much work")]
    TooMuchWork,
    /// The variables are no JSON object.
    #[error("the variables are not a JSON object: {0}")]
    Variables(String),
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
        let variables = variables::parse(variables).map_err(Refused::Variables)?;
        let environment = self.compile(template)?;
        let compiled = environment.get_template(NAME).map_err(|e| refusal(&e))?;
        // A bug of the template engine must not be worth more to an attacker than a refusal.
        let text = catch_unwind(AssertUnwindSafe(|| {
            strftime::at(now, || compiled.render(variables))
        }))
        .map_err(|_| Refused::Failed("the template engine failed".to_owned()))?
        .map_err(|e| refusal(&e))?;
        if text.len() > LONGEST_TEXT {
            return Err(Refused::TooMuchWork);
        }
        Ok(text)
    }

    fn compile(&mut self, template: &str) -> Result<&Environment<'static>, Refused> {
        self.turn += 1;
        if !self.compiled.contains_key(template) {
            if template.len() > LONGEST_TEMPLATE {
                return Err(Refused::Failed(format!(
                    "it is longer than {LONGEST_TEMPLATE} bytes"
                )));
            }
            if self.compiled.len() >= MOST_COMPILED {
                let oldest = self.compiled.iter().min_by_key(|(_, c)| c.used);
                if let Some(source) = oldest.map(|(source, _)| source.clone()) {
                    self.compiled.remove(&source);
                }
            }
            let mut environment = environment::new(FUEL);
            environment
                .add_template_owned(NAME, environment::prepared(template))
                .map_err(|e| refusal(&e))?;
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
    let reason = match cause.detail() {
        Some(detail) => format!("{}: {detail}", cause.kind()),
        None => cause.kind().to_string(),
    };
    Refused::Failed(match cause.line() {
        Some(line) => format!("{reason} (line {line})"),
        None => reason,
    })
}
