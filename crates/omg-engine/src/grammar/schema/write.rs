//! Shapes as Lark. Texts, numbers and listed values are terminals; white space may stand between them.

use std::collections::HashMap;

use llguidance::derivre::{RegexAst, RegexBuilder};
use serde_json::Value;

use super::pattern::CHARACTER;
use super::range;
use super::read::Reader;
use super::shape::{Array, Node, Number, Shape, Text};
use crate::error::Result;
use crate::grammar::{invalid, tokens};

/// As people indent: not the endless white space that JSON would allow and models fall into.
const WHITE_SPACE: &str = r" |\r?\n[ \t]{0,24}";
/// Of the grammar that is written.
const MAX_BYTES: usize = 16 << 20;
/// Items that differ by their place, beyond those that must be there.
const MOST_OPTIONAL_ITEMS: usize = 200;
/// Work to find out whether patterns leave a text; what takes more is taken to leave one.
const EMPTINESS_FUEL: u64 = 10_000;

pub(super) struct Writer<'r, 'a> {
    pub(super) reader: &'r mut Reader<'a>,
    lines: String,
    rules: usize,
    /// Names by what they stand for.
    terminals: HashMap<String, String>,
    refs: HashMap<usize, Reference>,
    any: bool,
}

enum Reference {
    /// It is being written; by this name it may refer to itself.
    Begun(String),
    /// None: nothing satisfies it.
    Written(Option<String>),
}

impl<'r, 'a> Writer<'r, 'a> {
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Self {
        Self {
            reader,
            lines: String::new(),
            rules: 0,
            terminals: HashMap::new(),
            refs: HashMap::new(),
            any: false,
        }
    }

    pub(super) fn document(mut self, root: &Node) -> Result<String> {
        let Some(start) = self.node(root)? else {
            return Err(invalid("schema: no value satisfies it"));
        };
        Ok(format!(
            "%llguidance {{\"ignore_once\": true}}\n%ignore /{WHITE_SPACE}/\nstart: {start}\n{}",
            self.lines
        ))
    }

    /// An expression of rules for the values of the node; none when there are none.
    pub(super) fn node(&mut self, node: &Node) -> Result<Option<String>> {
        match node {
            Node::Never => Ok(None),
            Node::Any => Ok(Some(self.any())),
            Node::Literal(value) => Ok(Some(self.literal(value))),
            Node::Shape(shape) => self.shape(&shape.meant()),
            Node::Either(all) => self.either(all),
            Node::Ref(id) => self.reference(*id),
        }
    }

    fn any(&mut self) -> String {
        if !self.any {
            self.any = true;
            let (boolean, text) = (self.boolean(), self.any_text());
            let number = self.number(&Number::default());
            let number = number.map_or_else(String::new, |number| format!(" | {number}"));
            self.lines.push_str(&format!(
                "any: \"null\" | {boolean} | {text}{number} | any_list | any_object\n\
                 any_list: \"[\" (any (\",\" any)*)? \"]\"\n\
                 any_object: \"{{\" (any_member (\",\" any_member)*)? \"}}\"\n\
                 any_member: {text} \":\" any\n"
            ));
        }
        "any".to_owned()
    }

    fn literal(&mut self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.literal(item)).collect();
                format!("\"[\" {} \"]\"", items.join(" \",\" "))
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| {
                        format!("{} \":\" {}", key_literal(key), self.literal(value))
                    })
                    .collect();
                format!("\"{{\" {} \"}}\"", members.join(" \",\" "))
            }
            scalar => tokens::quoted(&scalar.to_string()),
        }
    }

    fn either(&mut self, all: &[Node]) -> Result<Option<String>> {
        let mut scalars = Vec::new();
        let mut options = Vec::new();
        for node in all {
            match node {
                Node::Literal(value) if !value.is_array() && !value.is_object() => {
                    scalars.push(tokens::quoted(&value.to_string()));
                }
                node => options.extend(self.node(node)?),
            }
        }
        if !scalars.is_empty() {
            options.insert(0, self.terminal(scalars.join(" | ")));
        }
        options.dedup();
        Ok(match options.len() {
            0 => None,
            1 => Some(options.swap_remove(0)),
            _ => Some(self.rule(&options.join(" | "))?),
        })
    }

    fn reference(&mut self, id: usize) -> Result<Option<String>> {
        match self.refs.get(&id) {
            Some(Reference::Begun(name)) => return Ok(Some(name.clone())),
            Some(Reference::Written(name)) => return Ok(name.clone()),
            None => {}
        }
        let name = format!("ref_{id}");
        self.refs.insert(id, Reference::Begun(name.clone()));
        let target = self.reader.target(id)?;
        let body = self.node(&target)?;
        let written = match body {
            Some(body) => {
                self.line(&format!("{name}: {body}"))?;
                Some(name)
            }
            None => None,
        };
        self.refs.insert(id, Reference::Written(written.clone()));
        Ok(written)
    }

    fn shape(&mut self, shape: &Shape) -> Result<Option<String>> {
        let mut options = Vec::new();
        if let Some(object) = &shape.object {
            options.extend(self.object(object)?);
        }
        if let Some(array) = &shape.array {
            options.extend(self.array(array)?);
        }
        if let Some(text) = &shape.text {
            options.extend(self.text(text));
        }
        options.extend(shape.number.as_ref().and_then(|number| self.number(number)));
        if shape.boolean {
            options.push(self.boolean());
        }
        if shape.null {
            options.push("\"null\"".to_owned());
        }
        Ok(match options.len() {
            0 => None,
            1 => Some(options.swap_remove(0)),
            _ => Some(self.rule(&options.join(" | "))?),
        })
    }

    fn boolean(&mut self) -> String {
        self.terminal("\"true\" | \"false\"".to_owned())
    }

    fn number(&mut self, number: &Number) -> Option<String> {
        let ranges = range::terminals(number);
        if ranges.is_empty() {
            return None;
        }
        let mut body = ranges.join(" | ");
        let mut odd = Vec::new();
        for step in &number.multiples {
            match step.power_of_ten() {
                Some(0) => body = format!("({body}) & /-?[0-9]+/"),
                Some(zeros @ 1..) => body = format!("({body}) & /-?(0|[0-9]*0{{{zeros}}})/"),
                Some(places) => {
                    body = format!("({body}) & /-?[0-9]+(\\.[0-9]{{1,{}}})?/", -places);
                }
                None => odd.push(step),
            }
        }
        if odd.is_empty() {
            return Some(self.terminal(body));
        }
        // The compiler counts remainders for its own schemas only.
        let steps: Vec<String> = odd
            .iter()
            .map(|step| format!("{{\"multipleOf\": {step}}}"))
            .collect();
        let name = if number.integer { "integer" } else { "number" };
        let mut ends = String::new();
        for (bound, keys) in [
            (&number.low, ["minimum", "exclusiveMinimum"]),
            (&number.high, ["maximum", "exclusiveMaximum"]),
        ] {
            let usual = if keys[0] == "minimum" { "-1e9" } else { "1e9" };
            match bound {
                Some(bound) => {
                    let key = keys[usize::from(!bound.inclusive)];
                    ends.push_str(&format!("\"{key}\": {}, ", bound.value));
                }
                None => ends.push_str(&format!("\"{}\": {usual}, ", keys[0])),
            }
        }
        let white_space = tokens::quoted(WHITE_SPACE);
        Some(format!(
            "%json {{\"type\": \"{name}\", {ends}\"allOf\": [{}], \"x-guidance\": {{\"whitespace_pattern\": {white_space}}}}}",
            steps.join(", ")
        ))
    }

    pub(super) fn any_text(&mut self) -> String {
        self.terminal(format!("/\\x22{CHARACTER}*\\x22/"))
    }

    /// None where its patterns and lengths leave no text.
    pub(super) fn text(&mut self, text: &Text) -> Option<String> {
        if text.is_free() {
            return Some(self.any_text());
        }
        let counted = || {
            let most = text.max.map_or_else(String::new, |max| max.to_string());
            format!("{CHARACTER}{{{},{most}}}", text.min)
        };
        let body = match text.patterns.as_slice() {
            [] => counted(),
            all if all.iter().any(|p| p.excludes(text.min, text.max)) => return None,
            [one] => match one.quoted_of_length(text.min, text.max) {
                Some(rx) => rx,
                None => return self.texts(vec![one.quoted(), counted()]),
            },
            all => {
                let mut parts: Vec<_> = all.iter().map(|pattern| pattern.quoted()).collect();
                if text.min > 0 || text.max.is_some() {
                    parts.push(counted());
                }
                parts.dedup();
                return self.texts(parts);
            }
        };
        Some(self.terminal(format!("/\\x22{body}\\x22/")))
    }

    /// Texts that match all of these.
    fn texts(&mut self, parts: Vec<String>) -> Option<String> {
        let quoted: Vec<_> = parts.iter().map(|rx| format!("\\x22{rx}\\x22")).collect();
        if is_empty(&quoted) {
            return None;
        }
        let all: Vec<_> = quoted.iter().map(|rx| format!("/{rx}/")).collect();
        Some(self.terminal(all.join(" & ")))
    }

    fn array(&mut self, array: &Array) -> Result<Option<String>> {
        let (min, mut max) = (array.min as usize, array.max.map(|max| max as usize));
        let items = self.node(&array.items)?;
        if let Some((node, least)) = &array.contains
            && let Some(any) = &items
        {
            let such = self.reader.join(node.clone(), array.items.clone())?;
            let Some(such) = self.node(&such)? else {
                return Ok(None);
            };
            let (any, such) = (self.rule(any)?, self.rule(&such)?);
            let found = format!("({any} \",\")* {such}");
            let more = match *least as usize {
                1 => String::new(),
                n => format!("(\",\" {found}){{{0},{0}}}", n - 1),
            };
            return Ok(Some(format!("\"[\" {found} {more} (\",\" {any})* \"]\"")));
        }
        let mut prefix = Vec::new();
        for node in array.prefix.iter().take(max.unwrap_or(usize::MAX)) {
            match self.node(node)? {
                Some(item) => prefix.push(item),
                None => {
                    max = Some(prefix.len());
                    break;
                }
            }
        }
        if items.is_none() {
            max = Some(max.map_or(prefix.len(), |max| max.min(prefix.len())));
        }
        if max.is_some_and(|max| max < min) {
            return Ok(None);
        }
        let item = match &items {
            Some(item) => self.rule(item)?,
            None => String::new(),
        };
        if prefix.is_empty() {
            let list = match (min, max) {
                (_, Some(0)) => String::new(),
                (0, _) => format!("({item} {})?", further(&item, 0, max.map(|max| max - 1))),
                _ => format!("{item} {}", further(&item, min - 1, max.map(|max| max - 1))),
            };
            return Ok(Some(format!("\"[\" {list} \"]\"")));
        }
        let fixed = min.min(prefix.len());
        if prefix.len() - fixed > MOST_OPTIONAL_ITEMS {
            return Err(invalid(format!(
                "schema: has a list of more than {MOST_OPTIONAL_ITEMS} items that may be missing, each with a schema of its own"
            )));
        }
        // From its end: the rest is there only behind all that come before.
        let mut list = match &items {
            Some(_) => further(
                &item,
                min.saturating_sub(prefix.len()),
                max.map(|max| max.saturating_sub(prefix.len())),
            ),
            None => String::new(),
        };
        for (i, part) in prefix.iter().enumerate().rev() {
            let comma = if i == 0 { "" } else { "\",\" " };
            list = match i < fixed {
                true => format!("{comma}{part} {list}"),
                // A rule for each, because Lark nests no deeper than 30 groups.
                false => self.rule(&format!("({comma}{part} {list})?"))?,
            };
        }
        Ok(Some(format!("\"[\" {list} \"]\"")))
    }

    /// The name of a rule with this body, which is written once.
    pub(super) fn rule(&mut self, body: &str) -> Result<String> {
        let is_name =
            !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name {
            return Ok(body.to_owned());
        }
        if let Some(name) = self.terminals.get(body) {
            return Ok(name.clone());
        }
        let name = format!("r{}", self.rules);
        self.rules += 1;
        self.line(&format!("{name}: {body}"))?;
        self.terminals.insert(body.to_owned(), name.clone());
        Ok(name)
    }

    pub(super) fn terminal(&mut self, body: String) -> String {
        if let Some(name) = self.terminals.get(&body) {
            return name.clone();
        }
        let name = format!("T{}", self.rules);
        self.rules += 1;
        self.lines.push_str(&format!("{name}: {body}\n"));
        self.terminals.insert(body, name.clone());
        name
    }

    pub(super) fn line(&mut self, line: &str) -> Result<()> {
        if self.lines.len() + line.len() > MAX_BYTES {
            return Err(invalid("schema: is too large once its parts are joined"));
        }
        self.lines.push_str(line);
        self.lines.push('\n');
        Ok(())
    }
}

/// The name of a property, with its quotes, as Lark has it.
pub(super) fn key_literal(name: &str) -> String {
    tokens::quoted(&Value::from(name).to_string())
}

/// Items behind the first one.
fn further(item: &str, min: usize, max: Option<usize>) -> String {
    match (min, max) {
        (_, Some(0)) => String::new(),
        (0, None) => format!("(\",\" {item})*"),
        (min, None) => format!("(\",\" {item}){{{min},}}"),
        (min, Some(max)) => format!("(\",\" {item}){{{min},{max}}}"),
    }
}

/// No text matches all of the expressions, as far as that can be told cheaply.
fn is_empty(parts: &[String]) -> bool {
    let mut builder = RegexBuilder::new();
    let all = parts.iter().map(|rx| RegexAst::Regex(rx.clone())).collect();
    let Ok(both) = builder.mk(&RegexAst::And(all)) else {
        return false;
    };
    builder
        .to_regex_limited(both, EMPTINESS_FUEL)
        .is_ok_and(|mut regex| regex.always_empty())
}
