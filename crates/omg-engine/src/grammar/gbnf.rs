//! The grammar notation of llama.cpp, written anew as Lark.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{invalid, tokens::quoted};
use crate::error::Result;

const MAX_DEPTH: usize = 64;
const MAX_REPETITIONS: u32 = 10_000;

enum Item {
    Literal(String),
    /// A regular expression for one character.
    Class(String),
    Rule(String),
    Group(Vec<Vec<Item>>),
    Repeat(Box<Item>, u32, Option<u32>),
}

type Alternatives = Vec<Vec<Item>>;

/// Lark with the same sentences, or some of them: a stretch without recursion is read as one word, as long as it can be.
pub(super) fn to_lark(source: &str) -> Result<String> {
    let rules = Parser::new(source).rules()?;
    if !rules.contains_key("root") {
        return Err(invalid("the grammar has no rule root"));
    }
    let recursive = recursive_rules(&rules)?;
    let mut lark = format!("start: {}\n", name_of("root", &recursive));
    for (name, alternatives) in &rules {
        let body = alternatives_of(alternatives, &recursive);
        // Writing to a string cannot fail.
        let _ = writeln!(lark, "{}: {body}", name_of(name, &recursive));
    }
    Ok(lark)
}

/// Words of Lark are upper case, rules lower case; names of the source may be both and hold dashes.
fn name_of(name: &str, recursive: &BTreeSet<String>) -> String {
    let is_rule = recursive.contains(name);
    let mut out = String::from(if is_rule { "r_" } else { "W_" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' if is_rule => out.push(char::from(byte)),
            b'a'..=b'z' => out.push(char::from(byte.to_ascii_uppercase())),
            b'0'..=b'9' => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "_{other}_");
            }
        }
    }
    out
}

fn alternatives_of(alternatives: &Alternatives, recursive: &BTreeSet<String>) -> String {
    let sequence = |items: &Vec<Item>| match items.len() {
        0 => "\"\"".to_owned(),
        _ => items
            .iter()
            .map(|item| item_of(item, recursive))
            .collect::<Vec<_>>()
            .join(" "),
    };
    alternatives
        .iter()
        .map(sequence)
        .collect::<Vec<_>>()
        .join(" | ")
}

fn item_of(item: &Item, recursive: &BTreeSet<String>) -> String {
    match item {
        Item::Literal(text) => quoted(text),
        Item::Class(class) => format!("/{class}/"),
        Item::Rule(name) => name_of(name, recursive),
        Item::Group(inner) => format!("({})", alternatives_of(inner, recursive)),
        Item::Repeat(inner, least, most) => {
            let count = match (least, most) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (least, None) => format!("{{{least},}}"),
                (least, Some(most)) => format!("{{{least},{most}}}"),
            };
            format!("({}){count}", item_of(inner, recursive))
        }
    }
}

/// The rules from which a recursive one can be reached. `invalid_request` for names that no rule has.
fn recursive_rules(rules: &BTreeMap<String, Alternatives>) -> Result<BTreeSet<String>> {
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, alternatives) in rules {
        let mut used = BTreeSet::new();
        named(alternatives, &mut used);
        if let Some(unknown) = used.iter().find(|u| !rules.contains_key(**u)) {
            return Err(invalid(format!("the grammar has no rule {unknown}")));
        }
        uses.insert(name, used);
    }
    // What uses only rules that are known to end is known to end: from the leaves upwards, each rule once.
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ending = Vec::new();
    for (name, used) in &uses {
        open.insert(name, used.len());
        for rule in used {
            users.entry(rule).or_default().push(name);
        }
        if used.is_empty() {
            ending.push(*name);
        }
    }
    while let Some(name) = ending.pop() {
        open.remove(name);
        for user in users.get(name).into_iter().flatten() {
            if let Some(left) = open.get_mut(user) {
                *left -= 1;
                if *left == 0 {
                    ending.push(user);
                }
            }
        }
    }
    Ok(open.into_keys().map(str::to_owned).collect())
}

fn named<'a>(alternatives: &'a Alternatives, used: &mut BTreeSet<&'a str>) {
    for item in alternatives.iter().flatten() {
        let mut item = item;
        while let Item::Repeat(inner, ..) = item {
            item = inner;
        }
        match item {
            Item::Rule(name) => {
                used.insert(name);
            }
            Item::Group(inner) => named(inner, used),
            _ => {}
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(rest: &'a str) -> Self {
        Self { rest, depth: 0 }
    }

    fn rules(mut self) -> Result<BTreeMap<String, Alternatives>> {
        let mut rules = BTreeMap::new();
        self.skip();
        while !self.rest.is_empty() {
            let name = self.name()?;
            if !self.accept("::=") {
                return Err(self.expected("::="));
            }
            let alternatives = self.alternatives()?;
            if rules.insert(name.clone(), alternatives).is_some() {
                return Err(invalid(format!("the rule {name} is there twice")));
            }
        }
        Ok(rules)
    }

    /// White space and comments; line breaks mean nothing, as a new rule is known by its `::=`.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
        }
    }

    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                self.skip();
                true
            }
            None => false,
        }
    }

    fn name_length(&self) -> usize {
        self.rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            .count()
    }

    fn name(&mut self) -> Result<String> {
        let length = self.name_length();
        if length == 0 {
            return Err(self.expected("a name"));
        }
        let name = self.rest[..length].to_owned();
        self.rest = &self.rest[length..];
        self.skip();
        Ok(name)
    }

    fn at_rule(&self) -> bool {
        let after = &self.rest[self.name_length()..];
        self.name_length() > 0 && after.trim_start().starts_with("::=")
    }

    fn alternatives(&mut self) -> Result<Alternatives> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid(format!(
                "the grammar is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        let mut all = vec![self.sequence()?];
        while self.accept("|") {
            all.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(all)
    }

    fn sequence(&mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let item = match self.rest.chars().next() {
                Some('"') => Item::Literal(self.literal()?),
                Some('[') => Item::Class(self.class()?),
                Some('.') => {
                    self.rest = &self.rest[1..];
                    Item::Class("(?s:.)".to_owned())
                }
                Some('(') => {
                    self.accept("(");
                    let inner = self.alternatives()?;
                    if !self.rest.starts_with(')') {
                        return Err(self.expected(")"));
                    }
                    self.rest = &self.rest[1..];
                    Item::Group(inner)
                }
                Some(c) if c.is_ascii_alphanumeric() && !self.at_rule() => {
                    let length = self.name_length();
                    let name = self.rest[..length].to_owned();
                    self.rest = &self.rest[length..];
                    Item::Rule(name)
                }
                _ => return Ok(items),
            };
            let item = self.repeated(item)?;
            self.skip();
            items.push(item);
        }
    }

    /// What follows an item without a space.
    fn repeated(&mut self, item: Item) -> Result<Item> {
        let (least, most, length) = match self.rest.bytes().next() {
            Some(b'*') => (0, None, 1),
            Some(b'+') => (1, None, 1),
            Some(b'?') => (0, Some(1), 1),
            Some(b'{') => {
                let end = self.rest.find('}').ok_or_else(|| self.expected("}"))?;
                let inner = &self.rest[1..end];
                let number = |text: &str| match text.trim().parse::<u32>() {
                    Ok(n) if n <= MAX_REPETITIONS => Ok(n),
                    _ => Err(invalid(format!(
                        "{{{inner}}}: a number of repetitions is up to {MAX_REPETITIONS}"
                    ))),
                };
                let (least, most) = match inner.split_once(',') {
                    None => {
                        let n = number(inner)?;
                        (n, Some(n))
                    }
                    Some((least, "")) => (number(least)?, None),
                    Some((least, most)) => (number(least)?, Some(number(most)?)),
                };
                if most.is_some_and(|most| most < least) {
                    return Err(invalid(format!("{{{inner}}}: the range is empty")));
                }
                (least, most, end + 1)
            }
            _ => return Ok(item),
        };
        self.rest = &self.rest[length..];
        Ok(Item::Repeat(Box::new(item), least, most))
    }

    fn literal(&mut self) -> Result<String> {
        self.rest = &self.rest[1..];
        let mut text = String::new();
        loop {
            match self.character()? {
                ('"', false) => return Ok(text),
                (c, _) => text.push(c),
            }
        }
    }

    /// The class as one of a regular expression, every character by its number.
    fn class(&mut self) -> Result<String> {
        self.rest = &self.rest[1..];
        let mut class = String::from("[");
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            class.push('^');
        }
        let empty = class.len();
        loop {
            match self.character()? {
                (']', false) if class.len() == empty => {
                    return Err(invalid("[]: a class is empty"));
                }
                (']', false) => break,
                // A dash between two characters is a range, any other is a dash.
                ('-', false) if class.len() > empty && !self.rest.starts_with(']') => {
                    class.push('-');
                }
                (c, _) => {
                    let _ = write!(class, "\\x{{{:X}}}", u32::from(c));
                }
            }
        }
        class.push(']');
        Ok(class)
    }

    /// The next character and whether it was escaped.
    fn character(&mut self) -> Result<(char, bool)> {
        let mut chars = self.rest.chars();
        let first = chars
            .next()
            .ok_or_else(|| self.expected("an end of the text"))?;
        if first != '\\' {
            self.rest = chars.as_str();
            return Ok((first, false));
        }
        let kind = chars.next().ok_or_else(|| self.expected("an escape"))?;
        self.rest = chars.as_str();
        let digits = match kind {
            'n' => return Ok(('\n', true)),
            't' => return Ok(('\t', true)),
            'r' => return Ok(('\r', true)),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '"' | '\\' | '[' | ']' | '-' | '^' => return Ok((kind, true)),
            other => return Err(invalid(format!("\\{other}: there is no such escape"))),
        };
        let code = self
            .rest
            .get(..digits)
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        let character = code.and_then(char::from_u32);
        let character = character.ok_or_else(|| self.expected("the number of a character"))?;
        self.rest = &self.rest[digits..];
        Ok((character, true))
    }

    fn expected(&self, what: &str) -> crate::error::EngineError {
        let found: String = self.rest.chars().take(20).collect();
        invalid(format!(
            "the grammar has {found:?} where {what} should stand"
        ))
    }
}
