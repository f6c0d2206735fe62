//! How loops, scopes, macros and what is assigned to are written.

use super::expression::Parser;
use super::literal::quoted;
use super::names;
use super::tokens::{Tag, Token};

/// The tags that start a loop, and whether its filter became a condition in its body.
pub(super) fn for_tags<'a>(
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
pub(super) fn body<'a>(
    ahead: impl Iterator<Item = &'a Tag> + Clone,
    keyword: &str,
) -> Vec<&'a Tag> {
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
pub(super) fn captured(body: &[&Tag]) -> Vec<String> {
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

pub(super) fn with_tag(parser: &mut Parser<'_>) -> Result<String, String> {
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
pub(super) fn macro_tags(
    parser: &mut Parser<'_>,
    body: &[&Tag],
) -> Result<(Vec<String>, String), String> {
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
pub(super) fn defaults(parameters: &[(String, Option<String>)], missing: &str) -> Vec<String> {
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
pub(super) fn parameters(parser: &mut Parser<'_>) -> Result<Vec<(String, Option<String>)>, String> {
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
pub(super) fn target(
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

pub(super) fn assignable(parser: &mut Parser<'_>) -> Result<String, String> {
    let name = parser.stream.name()?;
    if ["true", "false", "none", "True", "False", "None"].contains(&name) {
        return Err(format!("'{name}' cannot be set"));
    }
    Ok(name.to_owned())
}
