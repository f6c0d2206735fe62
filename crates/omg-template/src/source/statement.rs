//! Statements: which tag may stand where, and how each is written.

use super::expression::Parser;
use super::names;
use super::tags::{body, captured, defaults, for_tags, macro_tags, parameters, target, with_tag};
use super::tokens::Tag;

/// A block that is open.
#[derive(Debug)]
enum Block {
    If { has_else: bool },
    For { has_else: bool, is_filtered: bool },
    Macro { is_written: String },
    Call,
    Set,
    Filter,
    With,
    Autoescape,
    Named(String),
    Generation,
}

impl Block {
    fn end(&self) -> &'static str {
        match self {
            Self::If { .. } => "endif",
            Self::For { .. } => "endfor",
            Self::Macro { .. } => "endmacro",
            Self::Call => "endcall",
            Self::Set => "endset",
            Self::Filter => "endfilter",
            Self::With => "endwith",
            Self::Autoescape => "endautoescape",
            Self::Named(_) => "endblock",
            Self::Generation => "endgeneration",
        }
    }
}

/// What is open at a tag.
#[derive(Debug, Default)]
pub(super) struct Statements {
    open: Vec<Block>,
    /// `elif`s are nested conditions to minijinja.
    alternatives: usize,
}

/// Deeper than any template; minijinja has a limit of its own.
const DEEPEST: usize = 64;

const MOST_ALTERNATIVES: usize = 2000;

impl Statements {
    /// What the template must have closed by its end.
    pub(super) fn end(&self) -> Result<(), String> {
        match self.open.last() {
            None => Ok(()),
            Some(block) => Err(format!("'{}' is missing", block.end())),
        }
    }

    /// A tag as minijinja reads it.
    pub(super) fn tag<'a>(
        &mut self,
        tag: &Tag,
        ahead: impl Iterator<Item = &'a Tag> + Clone,
    ) -> Result<String, String> {
        let (open, close) = (tag.open, tag.close);
        let mut parser = Parser::new(&tag.tokens);
        if !tag.is_block {
            let value = parser.tuple(true, &[])?.into_text();
            parser.stream.end()?;
            return Ok(format!("{{{{{open} {value} {close}}}}}"));
        }
        let tags = self.block(&mut parser, ahead)?;
        parser.stream.end()?;
        // What one tag becomes stands together, with the control of white space at its ends.
        let last = tags.len() - 1;
        Ok(tags
            .into_iter()
            .enumerate()
            .map(|(at, tag)| {
                let open = if at == 0 { open } else { "" };
                let close = if at == last { close } else { "" };
                format!("{{%{open} {tag} {close}%}}")
            })
            .collect())
    }

    fn block<'a>(
        &mut self,
        parser: &mut Parser<'_>,
        ahead: impl Iterator<Item = &'a Tag> + Clone,
    ) -> Result<Vec<String>, String> {
        let keyword = parser.stream.name()?;
        if keyword.starts_with("end") {
            return self.close(keyword, parser);
        }
        if self.open.len() >= DEEPEST {
            return Err("blocks are nested too deeply".to_owned());
        }
        let (block, tags) = match keyword {
            "if" => {
                let test = parser.tuple(false, &[])?.into_text();
                (
                    Some(Block::If { has_else: false }),
                    vec![format!("if {test}")],
                )
            }
            "elif" => {
                if !matches!(self.open.last(), Some(Block::If { has_else: false })) {
                    return Err("unexpected 'elif'".to_owned());
                }
                self.alternatives += 1;
                if self.alternatives > MOST_ALTERNATIVES {
                    return Err("there are too many 'elif's".to_owned());
                }
                let test = parser.tuple(false, &[])?.into_text();
                (None, vec![format!("elif {test}")])
            }
            "else" => match self.open.last_mut() {
                Some(Block::If { has_else } | Block::For { has_else, .. }) if !*has_else => {
                    *has_else = true;
                    (None, vec!["else".to_owned()])
                }
                _ => return Err("unexpected 'else'".to_owned()),
            },
            "for" => {
                let (tags, is_filtered) = for_tags(parser, ahead)?;
                let has_else = false;
                (
                    Some(Block::For {
                        has_else,
                        is_filtered,
                    }),
                    tags,
                )
            }
            "break" | "continue" => {
                self.leaves_loop(keyword)?;
                (None, vec![keyword.to_owned()])
            }
            "set" => self.set(parser)?,
            "with" => (Some(Block::With), vec![with_tag(parser)?]),
            "macro" => {
                let (tags, is_written) = macro_tags(parser, &body(ahead, "macro"))?;
                (Some(Block::Macro { is_written }), tags)
            }
            "call" => {
                let parameters = if parser.stream.is("(") {
                    parameters(parser)?
                } else {
                    Vec::new()
                };
                let call = parser.expression()?.into_text();
                let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
                let names = if names.is_empty() {
                    String::new()
                } else {
                    format!("({})", names.join(", "))
                };
                let mut tags = vec![format!("call{names} {call}")];
                tags.extend(defaults(&parameters, "is undefined"));
                tags.extend(captured(&body(ahead, "call")));
                (Some(Block::Call), tags)
            }
            "filter" => {
                let chain = parser.filter_chain()?;
                (Some(Block::Filter), vec![format!("filter {chain}")])
            }
            "autoescape" => {
                let value = parser.expression()?.into_text();
                (Some(Block::Autoescape), vec![format!("autoescape {value}")])
            }
            "block" => {
                let name = parser.stream.name()?.to_owned();
                parser.stream.skip_name("scoped");
                parser.stream.skip_name("required");
                let tag = format!("block {name}");
                (Some(Block::Named(name)), vec![tag])
            }
            "generation" => (Some(Block::Generation), vec!["with".to_owned()]),
            "include" | "import" | "from" | "extends" => {
                return Err(format!("'{keyword}': there are no other templates"));
            }
            _ => return Err(format!("there is no tag '{keyword}'")),
        };
        self.open.extend(block);
        Ok(tags)
    }

    fn close(&mut self, keyword: &str, parser: &mut Parser<'_>) -> Result<Vec<String>, String> {
        match self.open.pop() {
            Some(block) if block.end() == keyword => Ok(match block {
                Block::Set => vec!["endwith".to_owned(), keyword.to_owned()],
                Block::Generation => vec!["endwith".to_owned()],
                Block::Macro { is_written } => vec![keyword.to_owned(), is_written],
                Block::For {
                    is_filtered: true, ..
                } => {
                    vec!["endif".to_owned(), keyword.to_owned()]
                }
                Block::Named(name) => {
                    parser.stream.skip_name(&name);
                    vec![keyword.to_owned()]
                }
                _ => vec![keyword.to_owned()],
            }),
            Some(block) => Err(format!("'{}' expected, not '{keyword}'", block.end())),
            None => Err(format!("unexpected '{keyword}'")),
        }
    }

    /// `break` and `continue`: minijinja cannot leave a scope within the loop.
    fn leaves_loop(&self, keyword: &str) -> Result<(), String> {
        for block in self.open.iter().rev() {
            match block {
                Block::If { .. } => {}
                Block::For { .. } => return Ok(()),
                block => {
                    let start = block.end().trim_start_matches("end");
                    return Err(format!("'{keyword}' within '{start}' is not supported"));
                }
            }
        }
        Err(format!("'{keyword}' stands outside of a loop"))
    }

    fn set(&mut self, parser: &mut Parser<'_>) -> Result<(Option<Block>, Vec<String>), String> {
        let target = target(parser, true, &[])?;
        if parser.stream.skip("=") {
            let value = parser.tuple(true, &[])?;
            let value = if target.contains(',') {
                value.filtered(names::UNPACK, &[])
            } else {
                value
            };
            return Ok((None, vec![format!("set {target} = {}", value.into_text())]));
        }
        let filters = if parser.stream.skip("|") {
            format!(" | {}", parser.filter_chain()?)
        } else {
            String::new()
        };
        // What is set within the block stays within it.
        let tags = vec![format!("set {target}{filters}"), "with".to_owned()];
        Ok((Some(Block::Set), tags))
    }
}
