//! The keywords of a schema that speak of one type.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::decimal::Decimal;
use super::format::{self, FORMATS, OF_NUMBERS};
use super::pattern::{Pattern, PatternError};
use super::place::Place;
use super::read::{Reader, given, wrong};
use super::shape::{Array, Bound, Node, Number, Object, Shape, Text};
use crate::error::Result;

/// More repetitions are nobody's contract, and each costs memory.
const MAX_COUNT: u64 = 100_000;
/// Each remainder is a state.
const MAX_STEP: i128 = 100_000;
const TYPES: &str = "array, boolean, integer, null, number, object or string";

impl Reader<'_> {
    /// The shape of `type` and of the keywords beside it.
    pub(super) fn types(
        &mut self,
        map: &Map<String, Value>,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Node> {
        let mut shape = named_types(map, place)?;
        if let Some(number) = &mut shape.number {
            self.number(map, number, place)?;
        }
        if let Some(text) = &mut shape.text {
            self.text(map, text, place)?;
        }
        if let Some(array) = &mut shape.array {
            self.array(map, array, place, depth)?;
        }
        if let Some(object) = &mut shape.object {
            self.object(map, object, place, depth)?;
        }
        self.format(map, &mut shape, place)?;
        Ok(match shape.is_empty() {
            true => Node::Never,
            false => Node::shape(shape),
        })
    }

    fn number(
        &mut self,
        map: &Map<String, Value>,
        number: &mut Number,
        place: Place<'_>,
    ) -> Result<()> {
        for (limit, exclusive, low) in [
            ("minimum", "exclusiveMinimum", true),
            ("maximum", "exclusiveMaximum", false),
        ] {
            let read = |key: &str| match given(map, key) {
                Some(Value::Number(n)) => Ok(Some(Decimal::of(n))),
                None | Some(Value::Bool(_)) if key == exclusive => Ok(None),
                None => Ok(None),
                Some(_) => Err(wrong(place.key(key), "must be a number")),
            };
            // Draft 4 wrote it as a property of the other bound.
            let shuts = map.get(exclusive) == Some(&Value::Bool(true));
            let ends = [(read(limit)?, !shuts), (read(exclusive)?, false)];
            for (value, inclusive) in ends {
                let bound = value.map(|value| Bound { value, inclusive });
                number.tighten(bound, low);
            }
        }
        if let Some(step) = given(map, "multipleOf") {
            let at = place.key("multipleOf");
            let Value::Number(step) = step else {
                return Err(wrong(at, "must be a number"));
            };
            let decimal = Decimal::of(step);
            if decimal.is_negative() || decimal.is_zero() {
                return Err(wrong(at, "must be greater than 0"));
            }
            if decimal.power_of_ten().is_none() && decimal.ceil() > MAX_STEP {
                return Err(wrong(at, format!("is {step}, it can be {MAX_STEP}")));
            }
            number.multiples.push(decimal);
        }
        if number.excludes_all() {
            return Err(wrong(place, "its bounds leave no number"));
        }
        Ok(())
    }

    fn text(&mut self, map: &Map<String, Value>, text: &mut Text, place: Place<'_>) -> Result<()> {
        (text.min, text.max) = counts(map, ["minLength", "maxLength"], place)?;
        if let Some(pattern) = given(map, "pattern") {
            let at = place.key("pattern");
            let Some(source) = pattern.as_str() else {
                return Err(wrong(at, "must be text"));
            };
            text.patterns.extend(self.pattern(source, at)?);
        }
        Ok(())
    }

    /// None for one that cannot be enforced.
    fn pattern(&mut self, source: &str, place: Place<'_>) -> Result<Option<Rc<Pattern>>> {
        match Pattern::find(source) {
            Ok(pattern) => Ok(Some(Rc::new(pattern))),
            Err(PatternError::Invalid(why)) => {
                Err(wrong(place, format!("is no regular expression: {why}")))
            }
            Err(PatternError::Unsupported(what)) => {
                self.cannot_because(
                    place,
                    format!("this pattern cannot be enforced, because of {what}"),
                )?;
                Ok(None)
            }
        }
    }

    fn format(
        &mut self,
        map: &Map<String, Value>,
        shape: &mut Shape,
        place: Place<'_>,
    ) -> Result<()> {
        let Some(value) = given(map, "format") else {
            return Ok(());
        };
        let at = place.key("format");
        let Some(name) = value.as_str() else {
            return Err(wrong(at, "must be text"));
        };
        if OF_NUMBERS.contains(&name) {
            if let (Some(number), Some(of)) = (&mut shape.number, format::integer_of(name)) {
                number.tighten(of.low, true);
                number.tighten(of.high, false);
                number.integer = true;
            }
            return Ok(());
        }
        let Some(text) = &mut shape.text else {
            return Ok(());
        };
        if FORMATS.contains(&name) {
            text.patterns.extend(format::text_of(name));
            return Ok(());
        }
        let shown: String = name.chars().take(60).collect();
        let known = FORMATS.join(", ");
        self.cannot_because(
            at,
            format!("the format {shown:?} cannot be enforced, known are {known}"),
        )
    }

    fn array(
        &mut self,
        map: &Map<String, Value>,
        array: &mut Array,
        place: Place<'_>,
        depth: usize,
    ) -> Result<()> {
        (array.min, array.max) = counts(map, ["minItems", "maxItems"], place)?;
        // Drafts before 2020-12 wrote a list in `items`, and the rest in `additionalItems`.
        let is_list = map.get("items").is_some_and(Value::is_array);
        let (first, rest) = match is_list {
            true => ("items", "additionalItems"),
            false => ("prefixItems", "items"),
        };
        match given(map, first) {
            None => {}
            Some(Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    let node = self.schema(item, place.key(first).item(i), depth + 1)?;
                    array.prefix.push(node);
                }
            }
            Some(_) => return Err(wrong(place.key(first), "must be a list")),
        }
        if let Some(items) = given(map, rest) {
            array.items = self.schema(items, place.key(rest), depth + 1)?;
        }
        if let Some(schema) = given(map, "contains") {
            let at = place.key("contains");
            let node = self.schema(schema, at, depth + 1)?;
            let least = match given(map, "minContains") {
                None => 1,
                Some(value) => count(value, place.key("minContains"))?,
            };
            if array.max.is_none() && array.prefix.is_empty() && array.min <= least.max(1) {
                array.contains = (least > 0).then_some((node, least));
            } else if least > 0 {
                self.cannot(at)?;
            }
        }
        match given(map, "uniqueItems") {
            None | Some(Value::Bool(false)) => {}
            Some(_) if array.max.is_some_and(|max| max <= 1) => {}
            Some(_) => {
                self.cannot(place.key("uniqueItems"))?;
                // Without this a list of all there is would be one that never ends.
                if let Node::Either(all) = &array.items
                    && all.iter().all(|node| matches!(node, Node::Literal(_)))
                    && array.prefix.is_empty()
                {
                    let different = (all.len() as u64).max(array.min);
                    array.max = Some(array.max.map_or(different, |max| max.min(different)));
                }
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        object: &mut Object,
        place: Place<'_>,
        depth: usize,
    ) -> Result<()> {
        (object.min, object.max) = counts(map, ["minProperties", "maxProperties"], place)?;
        if let Some(patterns) = members(map, "patternProperties", place)? {
            let at = place.key("patternProperties");
            for (source, member) in patterns {
                let pattern = self.pattern(source, at.key(source))?;
                let node = self.schema(member, at.key(source), depth + 1)?;
                object
                    .patterns
                    .extend(pattern.map(|pattern| (pattern, node)));
            }
        }
        if let Some(properties) = members(map, "properties", place)? {
            object.names_its_properties = true;
            let at = place.key("properties");
            for (name, member) in properties {
                let mut node = self.schema(member, at.key(name), depth + 1)?;
                for (pattern, also) in &object.patterns {
                    if pattern.is_found_in(name) {
                        node = self.join(node, also.clone())?;
                    }
                }
                object.properties.push((name.as_str().into(), node));
            }
        }
        match given(map, "required") {
            None => {}
            Some(Value::Array(names)) => {
                for name in names {
                    let Some(name) = name.as_str() else {
                        return Err(wrong(place.key("required"), "must be a list of names"));
                    };
                    object.required.push(name.into());
                }
            }
            // Draft 3 wrote it into the property.
            Some(Value::Bool(_)) if !self.is_strict() => self.cannot(place.key("required"))?,
            Some(_) => return Err(wrong(place.key("required"), "must be a list of names")),
        }
        if let Some(others) = given(map, "additionalProperties") {
            let at = place.key("additionalProperties");
            object.others = Some(self.schema(others, at, depth + 1)?);
        }
        if let Some(names) = given(map, "propertyNames") {
            let at = place.key("propertyNames");
            let node = self.schema(names, at, depth + 1)?;
            let text = Node::Shape(Rc::new(Shape {
                text: Some(Text::default()),
                ..Shape::none()
            }));
            object.names = Some(self.join(text, node)?);
        }
        Ok(())
    }
}

impl Number {
    /// Takes the narrower of two bounds.
    pub(super) fn tighten(&mut self, bound: Option<Bound>, low: bool) {
        let Some(bound) = bound else { return };
        let own = if low { &mut self.low } else { &mut self.high };
        let narrower = own.as_ref().is_none_or(|own| {
            let order = match low {
                true => bound.value.cmp(&own.value),
                false => own.value.cmp(&bound.value),
            };
            order.then(own.inclusive.cmp(&bound.inclusive)).is_gt()
        });
        if narrower {
            *own = Some(bound);
        }
    }

    pub(super) fn excludes_all(&self) -> bool {
        let (Some(low), Some(high)) = (&self.low, &self.high) else {
            return false;
        };
        super::range::terminals(&Self {
            integer: self.integer,
            low: Some(low.clone()),
            high: Some(high.clone()),
            multiples: Vec::new(),
        })
        .is_empty()
    }
}

fn named_types(map: &Map<String, Value>, place: Place<'_>) -> Result<Shape> {
    let value = match given(map, "type") {
        None => return Ok(Shape::any()),
        Some(value) => value,
    };
    let one;
    let names = match value {
        Value::Array(names) => names.as_slice(),
        name => {
            one = [name.clone()];
            &one
        }
    };
    let mut shape = Shape::none();
    for name in names {
        match name.as_str() {
            Some("null") => shape.null = true,
            Some("boolean") => shape.boolean = true,
            Some("integer") => {
                shape.number.get_or_insert(Number {
                    integer: true,
                    ..Number::default()
                });
            }
            Some("number") => shape.number = Some(Number::default()),
            Some("string") => shape.text = Some(Text::default()),
            Some("array") => shape.array = Some(Array::default()),
            Some("object") => shape.object = Some(Object::default()),
            _ => {
                let shown: String = name.to_string().chars().take(60).collect();
                return Err(wrong(
                    place.key("type"),
                    format!("is {shown}, it can be {TYPES}"),
                ));
            }
        }
    }
    Ok(shape)
}

fn members<'m>(
    map: &'m Map<String, Value>,
    key: &str,
    place: Place<'_>,
) -> Result<Option<&'m Map<String, Value>>> {
    match given(map, key) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(wrong(place.key(key), "must be an object")),
    }
}

fn counts(
    map: &Map<String, Value>,
    [least, most]: [&str; 2],
    place: Place<'_>,
) -> Result<(u64, Option<u64>)> {
    let read = |key: &str| {
        given(map, key)
            .map(|value| count(value, place.key(key)))
            .transpose()
    };
    let (min, max) = (read(least)?.unwrap_or(0), read(most)?);
    if max.is_some_and(|max| max < min) {
        return Err(wrong(place.key(most), format!("is less than {least}")));
    }
    Ok((min, max))
}

fn count(value: &Value, place: Place<'_>) -> Result<u64> {
    let number = match value {
        // Draft 4 wrote whole numbers as 3.0, too.
        Value::Number(number) => Decimal::of(number),
        _ => return Err(wrong(place, "must be a whole number")),
    };
    if number.is_negative() || !number.is_whole() {
        return Err(wrong(place, "must be a whole number"));
    }
    match u64::try_from(number.magnitude()) {
        Ok(count) if count <= MAX_COUNT => Ok(count),
        _ => Err(wrong(place, format!("is {value}, it can be {MAX_COUNT}"))),
    }
}
