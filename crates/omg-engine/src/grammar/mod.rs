//! Answers that follow a grammar: JSON schema, regular expression, Lark or GBNF, through llguidance.

mod check;
mod constraint;
mod gbnf;
mod schema;
mod tokens;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use llguidance::Matcher;
use llguidance::api::TopLevelGrammar;

pub use check::{check_grammar, prepare_grammar};
pub(crate) use constraint::Constraint;
use tokens::Tokens;

use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::types::{Grammar, GrammarRule, GrammarSource};

/// Grammars that are kept compiled: clients send the same one again and again.
const MOST_REMEMBERED: usize = 8;
/// As text; what larger ones compile to is too much to keep.
const LONGEST_REMEMBERED: usize = 64 << 10;
/// Bytes of a grammar or a schema as text.
const MAX_SOURCE_BYTES: usize = 1 << 20;
const LONGEST_MESSAGE: usize = 400;

/// Compiles the grammars of one model.
pub(crate) struct Grammars {
    vocabulary: Arc<dyn Vocabulary>,
    /// Made with the first grammar: most models never see one.
    tokens: OnceLock<Result<Arc<Tokens>>>,
    compiled: Mutex<Vec<(GrammarSource, Matcher)>>,
}

impl Grammars {
    pub(crate) fn new(vocabulary: Arc<dyn Vocabulary>) -> Self {
        Self {
            vocabulary,
            tokens: OnceLock::new(),
            compiled: Mutex::default(),
        }
    }

    /// The state of a new answer. Deep grammars take much stack, and hostile ones time and memory without end: those from
    /// outside go through `check_grammar` first. `invalid_request` says what is wrong with the grammar.
    pub(crate) fn compile(&self, grammar: &Grammar) -> Result<Constraint> {
        let tokens = self.tokens()?;
        if let Some(after) = &grammar.after {
            let span = after.span.iter().flat_map(|s| [&s.open, &s.close]);
            if span.chain(&after.opener).any(String::is_empty) {
                return Err(invalid("a tag that the grammar waits for is empty"));
            }
        }
        let matcher = match self.remembered(&grammar.source) {
            Some(matcher) => matcher,
            None => {
                let matcher = matcher(&tokens, &grammar.source)?;
                if is_short(&grammar.source) {
                    self.remember(grammar.source.clone(), matcher.deep_clone());
                }
                matcher
            }
        };
        Ok(Constraint::new(tokens, matcher, grammar.after.as_ref()))
    }

    fn tokens(&self) -> Result<Arc<Tokens>> {
        self.tokens
            .get_or_init(|| Tokens::new(self.vocabulary.as_ref()).map(Arc::new))
            .clone()
    }

    /// A copy that shares nothing with other answers, or one could use up the limits of another.
    fn remembered(&self, source: &GrammarSource) -> Option<Matcher> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let at = compiled.iter().position(|(s, _)| s == source)?;
        let entry = compiled.remove(at);
        let matcher = entry.1.deep_clone();
        compiled.push(entry);
        Some(matcher)
    }

    fn remember(&self, source: GrammarSource, matcher: Matcher) {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= MOST_REMEMBERED {
            compiled.remove(0);
        }
        compiled.push((source, matcher));
    }
}

fn is_short(source: &GrammarSource) -> bool {
    serde_json::to_string(source).is_ok_and(|text| text.len() <= LONGEST_REMEMBERED)
}

fn matcher(tokens: &Tokens, source: &GrammarSource) -> Result<Matcher> {
    let grammar = top_level(tokens, source)?;
    let parser = tokens.factory.create_parser(grammar);
    let mut matcher = Matcher::new(parser);
    if let Some(error) = matcher.get_error() {
        return Err(refused(&error));
    }
    for warning in matcher.grammar_warnings() {
        tracing::debug!(warning, "grammar");
    }
    // The first mask is the dearest. It is made here, where no other answer waits for it; the parser keeps its tables.
    match matcher.compute_mask() {
        Ok(_) => Ok(matcher),
        Err(_) => Err(constraint::failure(&matcher)),
    }
}

fn top_level(tokens: &Tokens, source: &GrammarSource) -> Result<TopLevelGrammar> {
    Ok(match source {
        GrammarSource::JsonSchema { schema, strict } => {
            TopLevelGrammar::from_lark(schema::to_lark(schema, *strict)?)
        }
        GrammarSource::JsonObject => TopLevelGrammar::from_lark(schema::any_object()?),
        GrammarSource::Regex { pattern } => {
            check_size(pattern)?;
            TopLevelGrammar::from_regex(pattern)
        }
        GrammarSource::Lark { source, rules } => {
            check_size(source)?;
            TopLevelGrammar::from_lark(with_rules(tokens, source, rules)?)
        }
        GrammarSource::Gbnf { source } => {
            check_size(source)?;
            TopLevelGrammar::from_lark(gbnf::to_lark(source)?)
        }
    })
}

fn with_rules(
    tokens: &Tokens,
    source: &str,
    rules: &BTreeMap<String, GrammarRule>,
) -> Result<String> {
    let mut all = source.to_owned();
    for (name, rule) in rules {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(invalid(format!("{name:?} is no name for a rule")));
        }
        let body = match rule {
            GrammarRule::Text { text } => tokens.lark_of(text),
            GrammarRule::Schema { schema, strict } => {
                format!("%lark {{\n{}}}", schema::to_lark(schema, *strict)?)
            }
        };
        all.push_str(&format!("\n{name}: {body}"));
    }
    all.push('\n');
    Ok(all)
}

fn check_size(source: &str) -> Result<()> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(invalid(format!(
            "the grammar has {} bytes, it can have {MAX_SOURCE_BYTES}",
            source.len()
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::InvalidRequest(message.into())
}

/// What the compiler says of a grammar that it does not take, in one line.
fn refused(error: &str) -> EngineError {
    if error.contains("<backtrace>") {
        tracing::error!(error, "the grammar compiler panicked");
        return invalid("the grammar cannot be compiled");
    }
    let line = error.lines().next().unwrap_or_default();
    let end = line
        .char_indices()
        .nth(LONGEST_MESSAGE)
        .map_or(line.len(), |(at, _)| at);
    invalid(format!("the grammar cannot be compiled: {}", &line[..end]))
}

#[cfg(test)]
mod following;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tool_schema_tests;
