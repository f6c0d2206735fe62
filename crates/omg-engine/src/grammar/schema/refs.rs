//! Where the references of a schema lead.

use std::collections::HashMap;

use serde_json::Value;

/// The places of a schema that have a name of their own, and the rest by their JSON pointer.
pub(super) struct Refs<'a> {
    root: &'a Value,
    /// `$id`, and `$anchor` behind the `$id` that it is in.
    named: HashMap<String, (&'a Value, Vec<String>)>,
    /// More than one place has the name, so it depends on where one comes from.
    ambiguous: Vec<String>,
}

/// Where a reference leads.
pub(super) struct Target<'a> {
    pub(super) value: &'a Value,
    /// As a message names it.
    pub(super) path: String,
}

/// Keywords whose members are schemas by name, and no schema themselves.
const BY_NAME: &[&str] = &[
    "$defs",
    "definitions",
    "properties",
    "patternProperties",
    "dependentSchemas",
];
const LONGEST_ID: usize = 2_000;
/// What stands in them is a value.
const VALUES: &[&str] = &["const", "enum", "default", "examples", "example"];

impl<'a> Refs<'a> {
    pub(super) fn of(root: &'a Value) -> Self {
        let mut refs = Self {
            root,
            named: HashMap::new(),
            ambiguous: Vec::new(),
        };
        refs.collect(root, "", &mut Vec::new(), false);
        refs
    }

    fn collect(&mut self, value: &'a Value, base: &str, path: &mut Vec<String>, by_name: bool) {
        match value {
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|_| !by_name);
                let own;
                let mut base = base;
                let id =
                    text("$id").or_else(|| text("id").filter(|id| id.contains([':', '#', '/'])));
                if let Some(id) = id.filter(|id| base.len() + id.len() <= LONGEST_ID) {
                    own = resolved(base, id);
                    self.name(own.clone(), value, path);
                    if !id.starts_with('#') {
                        base = &own;
                    }
                }
                for anchor in ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text) {
                    self.name(format!("{base}#{anchor}"), value, path);
                }
                for (key, member) in map {
                    if !by_name && VALUES.contains(&key.as_str()) {
                        continue;
                    }
                    path.push(key.clone());
                    let names = !by_name && BY_NAME.contains(&key.as_str());
                    self.collect(member, base, path, names);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    path.push(i.to_string());
                    self.collect(item, base, path, false);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: String, value: &'a Value, path: &[String]) {
        if self
            .named
            .insert(name.clone(), (value, path.to_vec()))
            .is_some()
        {
            self.ambiguous.push(name);
        }
    }

    /// None when the schema has no such place. Bases of nested `$id` are tried from the document's own.
    pub(super) fn target(&self, reference: &str) -> Option<Target<'a>> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = unescaped(fragment);
        let base = self.root.get("$id").or_else(|| self.root.get("id"));
        let base = base.and_then(Value::as_str).unwrap_or("");
        let whole = resolved(base, document);
        let (start, mut path) = match document.is_empty() || whole == resolved("", base) {
            true => (self.root, Vec::new()),
            false => self.find(&whole).or_else(|| self.find(document))?,
        };
        if fragment.is_empty() {
            return Some(Target {
                value: start,
                path: shown(&path),
            });
        }
        if !fragment.starts_with('/') {
            let named = [
                format!("{whole}#{fragment}"),
                format!("{base}#{fragment}"),
                format!("#{fragment}"),
            ];
            let (value, path) = named.iter().find_map(|name| self.find(name)).or_else(|| {
                let end = format!("#{fragment}");
                let mut all = self.named.iter().filter(|(name, _)| name.ends_with(&end));
                let (_, (value, path)) = all.next()?;
                all.next().is_none().then(|| (*value, path.clone()))
            })?;
            return Some(Target {
                value,
                path: shown(&path),
            });
        }
        let mut value = start;
        for step in fragment[1..].split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            value = match value {
                Value::Object(map) => map.get(&step)?,
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
            path.push(step);
        }
        Some(Target {
            value,
            path: shown(&path),
        })
    }

    fn find(&self, name: &str) -> Option<(&'a Value, Vec<String>)> {
        let found = self
            .named
            .get(name)
            .or_else(|| self.named.get(name.strip_suffix('#')?));
        found
            .filter(|_| !self.ambiguous.iter().any(|a| a == name))
            .map(|(value, path)| (*value, path.clone()))
    }
}

/// An id as its base completes it: as far as schemas have them, by the last part of a path.
fn resolved(base: &str, id: &str) -> String {
    let id_is_whole = id.contains("://") || id.starts_with("urn:");
    if id.is_empty() {
        return base.trim_end_matches('#').to_owned();
    }
    if id_is_whole || base.is_empty() {
        return id.trim_end_matches('#').to_owned();
    }
    if id.starts_with('#') {
        return format!("{}{id}", base.trim_end_matches('#'));
    }
    let scheme = base.find("://").map_or(0, |at| at + 3);
    let folder = if id.starts_with('/') {
        base[scheme..]
            .find('/')
            .map_or(base.len(), |at| scheme + at)
    } else {
        base[scheme..]
            .rfind('/')
            .map_or(base.len(), |at| scheme + at + 1)
    };
    format!("{}{}", &base[..folder], id.trim_end_matches('#'))
}

/// A fragment with its percent signs undone.
fn unescaped(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn shown(path: &[String]) -> String {
    let mut text = String::from("schema");
    for step in path {
        match step.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) => {
                text.push('.');
                text.push_str(step);
            }
        }
    }
    text
}
