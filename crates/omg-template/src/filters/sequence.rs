//! Filters for lists and what else has items.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::soft;
use crate::arguments::bind;
use crate::lookup::Path;
use crate::objects::{Generator, View, ViewOf};
use crate::python::{self, charge, is_dict, refuse, type_name};
use crate::python_text::text_of;

pub(super) fn length(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("length", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    python::length(value)
        .map(Value::from)
        .ok_or_else(|| refuse(format!("{} has no length", type_name(value))))
}

pub(super) fn list(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("list", &arguments[1..], [], 0)?;
    let items = python::items(state, &arguments[0])?;
    python::list(state, items)
}

pub(super) fn items(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("items", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    if value.is_undefined() {
        return python::generator(state, Vec::new());
    }
    if !is_dict(value) {
        return Err(refuse(format!(
            "items takes a dict, not {}",
            type_name(value)
        )));
    }
    let view = Value::from_object(View {
        dict: value.clone(),
        of: ViewOf::Items,
    });
    let items = python::items(state, &view)?;
    python::generator(state, items)
}

pub(super) fn first(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("first", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    if let Some(generator) = value.downcast_object_ref::<Generator>() {
        return Ok(generator.next().unwrap_or_default());
    }
    if value.kind() == ValueKind::Seq {
        return Ok(value.get_item_by_index(0).unwrap_or_default());
    }
    Ok(python::items(state, value)?
        .into_iter()
        .next()
        .unwrap_or_default())
}

pub(super) fn last(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("last", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    if value.downcast_object_ref::<Generator>().is_some() {
        return Err(refuse("an iterator has no last item"));
    }
    Ok(python::items(state, value)?.pop().unwrap_or_default())
}

pub(super) fn reverse(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("reverse", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    if let Some(text) = value.as_str() {
        return python::text(state, text.chars().rev().collect());
    }
    let mut items = python::items(state, value)?;
    items.reverse();
    if value.downcast_object_ref::<Generator>().is_some() {
        return python::list(state, items);
    }
    python::generator(state, items)
}

pub(super) fn join(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("join", &arguments[1..], ["d", "attribute"], 0)?;
    let separator = match bound.get(0) {
        Some(separator) => soft(state, separator)?.into_owned(),
        None => String::new(),
    };
    let path = bound.set(1).map(Path::new).transpose()?;
    let mut out = String::new();
    for (at, item) in python::items(state, &arguments[0])?.iter().enumerate() {
        if at > 0 {
            charge(state, separator.len())?;
            out.push_str(&separator);
        }
        match &path {
            Some(path) => out.push_str(&text_of(state, &path.of(state, item)?)?),
            None => out.push_str(&soft(state, item)?),
        }
    }
    python::text(state, out)
}

pub(super) fn batch(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("batch", &arguments[1..], ["linecount", "fill_with"], 1)?;
    let size = usize::try_from(bound.integer(0, 0)?).unwrap_or(0);
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let all = python::items(state, &arguments[0])?;
    // A list costs more than its items.
    charge(state, (all.len() / size.max(1)).saturating_mul(128))?;
    for item in all {
        if batch.len() == size && !batch.is_empty() {
            batches.push(Value::from_object(std::mem::take(&mut batch)));
        }
        batch.push(item);
    }
    if !batch.is_empty() {
        if let Some(fill) = bound.set(1) {
            let missing = size.saturating_sub(batch.len());
            charge(state, missing.saturating_mul(24))?;
            batch.extend(std::iter::repeat_n(fill.clone(), missing));
        }
        batches.push(Value::from_object(batch));
    }
    python::generator(state, batches)
}

pub(super) fn slice(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("slice", &arguments[1..], ["slices", "fill_with"], 1)?;
    let items = python::items(state, &arguments[0])?;
    let slices = match usize::try_from(bound.integer(0, 0)?) {
        Ok(0) => return Err(refuse("a list has no zero slices")),
        Ok(slices) => slices,
        Err(_) => return python::generator(state, Vec::new()),
    };
    charge(state, slices.saturating_mul(64))?;
    let (each, with_one_more) = (items.len() / slices, items.len() % slices);
    let mut out = Vec::new();
    let mut items = items.into_iter();
    for at in 0..slices {
        let mut slice: Vec<Value> = items
            .by_ref()
            .take(each + usize::from(at < with_one_more))
            .collect();
        if let Some(fill) = bound.set(1)
            && at >= with_one_more
        {
            slice.push(fill.clone());
        }
        out.push(Value::from_object(slice));
    }
    python::generator(state, out)
}
