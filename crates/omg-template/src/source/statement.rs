//! Statements: which tag may stand where, and how each is written.

use super::expression::Parser;
use super::literal::quoted;
use super::names;
use super::tokens::{Tag, Token};

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

/// The tags that start a loop, and whether its filter became a condition in its body.
fn for_tags<'a>(
    parser: &mut Parser<'_>,
    ahead: impl Iterator<Item = &'a Tag> + Clone,
) -> Result<(Vec<String>, bool), String> {
    let target = target(parser, false, &["in"])?;
    if !parser.stream.skip_name("in") {
        return Err(format!("'in' expected, not {}", parser.stream.found()));
    }
    let mut tags = Vec::new();
    let items = parser.tuple(false, &["if", "recursive"])?;
    let each = if target.contains(',') {
        names::EACH_UNPACKED
    } else {
        names::EACH
    };
    let items = items.filtered(each, &[]).into_text();
    let asks_loop = parser.stream.holds_name("loop");
    let condition = if parser.stream.skip_name("if") {
        Some(parser.expression()?.into_text())
    } else {
        None
    };
    let recursive = if parser.stream.skip_name("recursive") {
        " recursive"
    } else {
        ""
    };
    match condition {
        // Jinja2 asks before each turn, minijinja before the first. It matters where the body changes what is asked.
        Some(condition) if recursive.is_empty() && !asks_loop && is_plain_loop(ahead) => {
            tags.push(format!("for {target} in {items}"));
            tags.push(format!("if {condition}"));
            Ok((tags, true))
        }
        Some(condition) => {
            tags.push(format!("for {target} in {items} if {condition}{recursive}"));
            Ok((tags, false))
        }
        None => {
            tags.push(format!("for {target} in {items}{recursive}"));
            Ok((tags, false))
        }
    }
}

/// The tags of a body that just began, up to its end.
fn body<'a>(ahead: impl Iterator<Item = &'a Tag> + Clone, keyword: &str) -> Vec<&'a Tag> {
    let end = format!("end{keyword}");
    let mut depth = 1;
    ahead
        .take_while(|tag| {
            let word = tag.keyword();
            depth += i32::from(word == Some(keyword)) - i32::from(word == Some(&end));
            depth > 0
        })
        .collect()
}

/// Whether the loop that just began asks nothing of `loop` and has no `else`.
fn is_plain_loop<'a>(ahead: impl Iterator<Item = &'a Tag> + Clone) -> bool {
    let mut open = 0;
    for tag in body(ahead, "for") {
        match tag.keyword() {
            Some("if" | "for") => open += 1,
            Some("endif" | "endfor") => open -= 1,
            Some("else") if open == 0 => return false,
            _ => {}
        }
        if tag.names().any(|name| name == "loop") {
            return false;
        }
    }
    true
}

/// A tag that does nothing but name all that a body may take from around it. minijinja misses some: what stands in filters of blocks,
/// and a name on both sides of a `set`.
fn captured(body: &[&Tag]) -> Vec<String> {
    const WORDS: [&str; 17] = [
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "caller",
        "self",
        "super",
        "recursive",
    ];
    let mut names: Vec<&str> = body
        .iter()
        .flat_map(|tag| tag.names().skip(usize::from(tag.is_block)))
        .filter(|name| !WORDS.contains(name) && !["varargs", "kwargs"].contains(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Vec::new();
    }
    vec![
        format!("if false and [{}]", names.join(", ")),
        "endif".to_owned(),
    ]
}

fn with_tag(parser: &mut Parser<'_>) -> Result<String, String> {
    let mut assignments = Vec::new();
    while parser.stream.peek().is_some() {
        if !assignments.is_empty() {
            parser.stream.expect(",")?;
        }
        let name = target_item(parser, false)?;
        parser.stream.expect("=")?;
        assignments.push((name, parser.expression()?.into_text()));
    }
    if let [(target, value)] = assignments.as_slice() {
        return Ok(format!("with {target} = {value}"));
    }
    // No value sees a name that is set beside it.
    let values = assignments.iter().enumerate();
    let values = values.map(|(at, (_, value))| format!("__with{at} = {value}"));
    let targets = assignments.iter().enumerate();
    let targets = targets.map(|(at, (target, _))| format!("{target} = __with{at}"));
    let all: Vec<String> = values.chain(targets).collect();
    Ok(format!("with {}", all.join(", ")).trim_end().to_owned())
}

/// The tags that start a macro, and the one that follows its end and gives it its name.
fn macro_tags(parser: &mut Parser<'_>, body: &[&Tag]) -> Result<(Vec<String>, String), String> {
    let name = assignable(parser)?;
    let parameters = parameters(parser)?;
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    let all = names.iter().copied().chain(["varargs", "kwargs"]);
    let all: Vec<&str> = all.collect();
    let mut tags = vec![format!("macro __macro({})", all.join(", "))];
    tags.extend(defaults(&parameters, "is __missing"));
    tags.extend(captured(body));
    let uses = |name| {
        body.iter()
            .any(|tag| tag.names().any(|found| found == name))
    };
    let texts: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let written = format!(
        "set {name} = __macro|{}({}, [{}], {}, {}, {})",
        names::MACRO,
        quoted(&name),
        texts.join(", "),
        uses("varargs"),
        uses("kwargs"),
        uses("caller"),
    );
    Ok((tags, written))
}

/// The tags that set what no argument was given for.
fn defaults(parameters: &[(String, Option<String>)], missing: &str) -> Vec<String> {
    parameters
        .iter()
        .flat_map(|(name, default)| {
            let default = default.as_deref().unwrap_or("__undefined");
            [
                format!("if {name} {missing}"),
                format!("set {name} = {default}"),
                "endif".to_owned(),
            ]
        })
        .collect()
}

/// Parameters and their defaults.
fn parameters(parser: &mut Parser<'_>) -> Result<Vec<(String, Option<String>)>, String> {
    parser.stream.expect("(")?;
    let mut parameters: Vec<(String, Option<String>)> = Vec::new();
    while !parser.stream.skip(")") {
        if !parameters.is_empty() {
            parser.stream.expect(",")?;
        }
        let name = assignable(parser)?;
        let default = if parser.stream.skip("=") {
            Some(parser.expression()?.into_text())
        } else {
            None
        };
        if default.is_none()
            && parameters
                .last()
                .is_some_and(|(_, default)| default.is_some())
        {
            return Err("a parameter without a default follows one with a default".to_owned());
        }
        parameters.push((name, default));
    }
    Ok(parameters)
}

/// What a loop or `set` assigns to.
fn target(
    parser: &mut Parser<'_>,
    may_be_attribute: bool,
    ends: &[&str],
) -> Result<String, String> {
    let mut items = vec![target_item(parser, may_be_attribute)?];
    let mut is_tuple = false;
    while parser.stream.skip(",") {
        is_tuple = true;
        let ended = match parser.stream.peek() {
            None | Some(Token::Operator("=" | ")")) => true,
            Some(Token::Name(name)) => ends.contains(&name.as_str()),
            _ => false,
        };
        if ended {
            break;
        }
        items.push(target_item(parser, may_be_attribute)?);
    }
    Ok(if is_tuple && items.len() == 1 {
        format!("{},", items[0])
    } else {
        items.join(", ")
    })
}

fn target_item(parser: &mut Parser<'_>, may_be_attribute: bool) -> Result<String, String> {
    if parser.stream.skip("(") {
        let inner = parser.deeper(|parser| target(parser, false, &[]))?;
        parser.stream.expect(")")?;
        return Ok(format!("({inner})"));
    }
    let name = assignable(parser)?;
    if may_be_attribute && parser.stream.skip(".") {
        let attribute = parser.stream.name()?;
        if attribute.starts_with('_') {
            return Err(format!(
                "a namespace takes no name with a leading underscore: '{attribute}'"
            ));
        }
        return Ok(format!("{name}.{attribute}"));
    }
    Ok(name)
}

fn assignable(parser: &mut Parser<'_>) -> Result<String, String> {
    let name = parser.stream.name()?;
    if ["true", "false", "none", "True", "False", "None"].contains(&name) {
        return Err(format!("'{name}' cannot be set"));
    }
    Ok(name.to_owned())
}
