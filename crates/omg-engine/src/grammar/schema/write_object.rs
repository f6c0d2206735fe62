//! Objects: their properties in the order of the schema, then the others.

use std::collections::HashSet;

use serde_json::Value;

use super::shape::{Node, Object, Text};
use super::write::{Writer, key_literal};
use crate::error::Result;
use crate::grammar::invalid;

/// Patterns of names that are told apart where a name matches several.
const MOST_OVERLAPS: usize = 4;
/// Properties, times how far they are counted.
const MOST_COUNTS: usize = 20_000;

struct Field {
    /// Name and value.
    pair: String,
    required: bool,
}

impl Writer<'_, '_> {
    pub(super) fn object(&mut self, object: &Object) -> Result<Option<String>> {
        let mut fields = Vec::new();
        let required: HashSet<&str> = object.required.iter().map(|name| &**name).collect();
        let named: HashSet<&str> = object.properties.iter().map(|(name, _)| &**name).collect();
        let mut unnamed = Vec::new();
        for name in object
            .required
            .iter()
            .filter(|name| !named.contains(&***name))
        {
            let mut node = Node::Any;
            for other in object.unnamed(name) {
                node = self.reader.join(node, other)?;
            }
            unnamed.push((name.clone(), node));
        }
        for (name, node) in object.properties.iter().chain(&unnamed) {
            let is_required = required.contains(&**name);
            let allowed = match &object.names {
                Some(names) => self.reader.accepts(names, &Value::from(&**name))?,
                None => true,
            };
            let value = if allowed { self.node(node)? } else { None };
            match value {
                Some(value) => fields.push(Field {
                    pair: format!("{} \":\" {}", key_literal(name), self.rule(&value)?),
                    required: is_required,
                }),
                None if is_required => return Ok(None),
                None => {}
            }
        }
        let taken: Vec<&str> = object
            .properties
            .iter()
            .chain(&unnamed)
            .map(|(name, _)| &**name)
            .collect();
        let closed = object.others.is_none()
            && object.names_its_properties
            && object.patterns.is_empty()
            && unnamed.is_empty()
            && object.min <= object.properties.len() as u64;
        let others = match &object.others {
            Some(node) => node.clone(),
            None if closed => Node::Never,
            None => Node::Any,
        };
        let other = self.other_members(object, &taken, &others)?;
        let needed = fields.iter().filter(|field| field.required).count();
        let counted = object.min as usize > needed || object.max.is_some();
        let body = match counted {
            false => Some(self.members(&fields, other.as_deref())?),
            true => self.counted_members(object, &fields, other.as_deref())?,
        };
        Ok(body.map(|body| format!("\"{{\" {body} \"}}\"")))
    }

    /// Name and value of a member that `properties` does not name.
    fn other_members(
        &mut self,
        object: &Object,
        taken: &[&str],
        others: &Node,
    ) -> Result<Option<String>> {
        let mut options = Vec::new();
        let patterns: Vec<String> = object
            .patterns
            .iter()
            .map(|(pattern, _)| format!("/\\x22{}\\x22/", pattern.quoted()))
            .collect();
        let names = match &object.names {
            Some(names) => match self.names(names)? {
                Some(names) => names,
                None => return Ok(None),
            },
            None => self.any_text(),
        };
        let mut excluded: Vec<String> = taken.iter().map(|name| key_literal(name)).collect();
        let apart = patterns.len() <= MOST_OVERLAPS;
        if !apart {
            let what = format!("more than {MOST_OVERLAPS} `patternProperties` of one object");
            self.reader.cannot_together(&what)?;
        }
        let groups: Vec<Vec<usize>> = match apart {
            true => (1..1usize << patterns.len())
                .map(|set| (0..patterns.len()).filter(|i| set >> i & 1 == 1).collect())
                .collect(),
            false => (0..patterns.len()).map(|i| vec![i]).collect(),
        };
        for group in groups {
            let mut node = Node::Any;
            for i in &group {
                node = self.reader.join(node, object.patterns[*i].1.clone())?;
            }
            let mut key = names.clone();
            for i in &group {
                key.push_str(&format!(" & {}", patterns[*i]));
            }
            let before = if apart { patterns.len() } else { group[0] };
            let not: Vec<_> = (0..before)
                .filter(|i| !group.contains(i))
                .map(|i| patterns[i].clone())
                .chain(excluded.iter().cloned())
                .collect();
            if let Some(value) = self.node(&node)? {
                options.push(self.member(key, &not, &value)?);
            }
        }
        excluded.extend(patterns);
        if let Some(value) = self.node(others)? {
            options.push(self.member(names, &excluded, &value)?);
        }
        Ok(match options.len() {
            0 => None,
            _ => Some(self.rule(&options.join(" | "))?),
        })
    }

    fn member(&mut self, key: String, not: &[String], value: &str) -> Result<String> {
        let key = match not.is_empty() {
            true => key,
            false => {
                let taken = self.terminal(not.join(" | "));
                format!("{key} & ~{taken}")
            }
        };
        let is_name = key.bytes().all(|b| b.is_ascii_alphanumeric());
        let key = if is_name { key } else { self.terminal(key) };
        Ok(format!("{key} \":\" {}", self.rule(value)?))
    }

    /// A terminal for the texts of the node.
    fn names(&mut self, node: &Node) -> Result<Option<String>> {
        Ok(match node {
            Node::Any => Some(self.any_text()),
            Node::Literal(value) if value.is_string() => {
                let quoted = crate::grammar::tokens::quoted(&value.to_string());
                Some(self.terminal(quoted))
            }
            Node::Literal(_) | Node::Never => None,
            Node::Shape(shape) => {
                let text: Option<Text> = shape.text.clone();
                text.and_then(|text| self.text(&text))
            }
            Node::Ref(id) => {
                let target = self.reader.target(*id)?;
                self.names(&target)?
            }
            Node::Either(all) => {
                let mut options = Vec::new();
                for node in all.iter() {
                    options.extend(self.names(node)?);
                }
                match options.is_empty() {
                    true => None,
                    false => Some(self.terminal(options.join(" | "))),
                }
            }
        })
    }

    fn members(&mut self, fields: &[Field], other: Option<&str>) -> Result<String> {
        let Some(first) = fields.iter().position(|field| field.required) else {
            let mut parts: Vec<String> = fields.iter().map(|field| field.pair.clone()).collect();
            parts.extend(other.map(|other| format!("{other} (\",\" {other})*")));
            return Ok(match parts.is_empty() {
                true => String::new(),
                false => format!("({})?", self.some_of(&parts)?),
            });
        };
        let mut body = String::new();
        for (i, Field { pair, required }) in fields.iter().enumerate() {
            body.push_str(&match (i < first, i == first, required) {
                (true, _, _) => format!("({pair} \",\")? "),
                (_, true, _) => format!("{pair} "),
                (_, _, true) => format!("\",\" {pair} "),
                (_, _, false) => format!("(\",\" {pair})? "),
            });
        }
        if let Some(other) = other {
            body.push_str(&format!("(\",\" {other})*"));
        }
        Ok(body)
    }

    /// At least one of the parts, in their order.
    fn some_of(&mut self, parts: &[String]) -> Result<String> {
        if let [one] = parts {
            return self.rule(one);
        }
        let (left, right) = parts.split_at(parts.len() / 2);
        let (left, right) = (self.some_of(left)?, self.some_of(right)?);
        self.rule(&format!("{left} (\",\" {right})? | {right}"))
    }

    /// As `members`, with so many of them in all.
    fn counted_members(
        &mut self,
        object: &Object,
        fields: &[Field],
        other: Option<&str>,
    ) -> Result<Option<String>> {
        let (min, max) = (object.min as usize, object.max.map(|max| max as usize));
        // Beyond what the fields can add to, and beyond both ends, a count says no more.
        let cap = max.unwrap_or(min).clamp(1, fields.len().max(1));
        if fields.len().saturating_mul(cap) > MOST_COUNTS {
            return Err(invalid(
                "schema: has an object with too many properties to count them",
            ));
        }
        let sure = max.is_none() && min <= cap;
        // What follows the fields when so many are there.
        let mut rest: Vec<Option<String>> = Vec::with_capacity(cap + 1);
        for count in 0..=cap {
            // The count stands for more where it is the largest, which then needs no more.
            let least = if sure && count == cap {
                0
            } else {
                min.saturating_sub(count)
            };
            let most = max.map(|max| max.saturating_sub(count));
            let comma = if count > 0 { "\",\" " } else { "" };
            rest.push(match (other, most) {
                (None, _) | (_, Some(0)) => (least == 0).then(String::new),
                (Some(other), most) => {
                    let more = |from: usize| match most {
                        Some(most) => format!("{{{from},{}}}", most - 1),
                        None => format!("{{{from},}}"),
                    };
                    let tail = match most {
                        Some(1) => String::new(),
                        _ => format!("(\",\" {other}){}", more(least.saturating_sub(1))),
                    };
                    let some = format!("{comma}{other} {tail}");
                    Some(match least {
                        0 => format!("({some})?"),
                        _ => some,
                    })
                }
            });
        }
        for Field { pair, required } in fields.iter().rev() {
            let mut next = Vec::with_capacity(cap + 1);
            for count in 0..=cap {
                let comma = if count > 0 { "\",\" " } else { "" };
                let full = max.is_some_and(|max| count >= max);
                let taken = match full {
                    true => None,
                    false => rest[(count + 1).min(cap)].clone(),
                };
                let taken = taken.map(|rest| format!("{comma}{pair} {rest}"));
                let skipped = if *required { None } else { rest[count].clone() };
                next.push(match (taken, skipped) {
                    (None, None) => None,
                    (Some(one), None) | (None, Some(one)) if one.is_empty() => Some(one),
                    (Some(one), None) | (None, Some(one)) => Some(self.rule(&one)?),
                    (Some(taken), Some(skipped)) if skipped.is_empty() => {
                        Some(self.rule(&format!("({taken})?"))?)
                    }
                    (Some(taken), Some(skipped)) => {
                        Some(self.rule(&format!("{taken} | {skipped}"))?)
                    }
                });
            }
            rest = next;
        }
        Ok(rest.swap_remove(0))
    }
}
