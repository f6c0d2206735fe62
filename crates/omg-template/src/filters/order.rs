//! Filters that compare items.

use minijinja::{Error, State, Value};

use crate::arguments::bind;
use crate::compare::{hashable, order, same, sort_by_keys};
use crate::lookup::Path;
use crate::objects::Group;
use crate::python::{self, charge, refuse};

/// Texts compare without case unless told otherwise.
fn key(value: Value, case_sensitive: bool) -> Value {
    match value.as_str() {
        Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
        _ => value,
    }
}

/// What one or several attributes, with commas between them, give to compare by.
struct Keys {
    paths: Vec<Path>,
    case_sensitive: bool,
}

impl Keys {
    fn new(attribute: Option<&Value>, case_sensitive: bool) -> Result<Self, Error> {
        let paths = match attribute {
            None => Vec::new(),
            Some(attribute) => match attribute.as_str() {
                Some(list) => list
                    .split(',')
                    .map(|path| Path::new(&Value::from(path)))
                    .collect::<Result<_, _>>()?,
                None => vec![Path::new(attribute)?],
            },
        };
        Ok(Self {
            paths,
            case_sensitive,
        })
    }

    fn of(&self, state: &State<'_, '_>, item: &Value) -> Result<Value, Error> {
        match self.paths.as_slice() {
            [] => Ok(key(item.clone(), self.case_sensitive)),
            // A list, also of one: equal parts need no order.
            paths => {
                let keys = paths
                    .iter()
                    .map(|path| {
                        path.of(state, item)
                            .map(|found| key(found, self.case_sensitive))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Value::from_object(keys))
            }
        }
    }
}

pub(super) fn sort(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind(
        "sort",
        &arguments[1..],
        ["reverse", "case_sensitive", "attribute"],
        0,
    )?;
    let keys = Keys::new(bound.set(2), bound.truth(1, false))?;
    let mut pairs = Vec::new();
    for item in python::items(state, &arguments[0])? {
        pairs.push((keys.of(state, &item)?, item));
    }
    sort_by_keys(state, &mut pairs, bound.truth(0, false))?;
    python::list(state, pairs.into_iter().map(|(_, item)| item).collect())
}

pub(super) fn dictsort(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind(
        "dictsort",
        &arguments[1..],
        ["case_sensitive", "by", "reverse"],
        0,
    )?;
    let dict = &arguments[0];
    if !python::is_dict(dict) {
        return Err(refuse("dictsort takes a dict"));
    }
    let by_key = match bound.text(1)?.unwrap_or("key") {
        "key" => true,
        "value" => false,
        _ => return Err(refuse("dictsort goes by 'key' or 'value'")),
    };
    let case_sensitive = bound.truth(0, false);
    let mut pairs = Vec::new();
    for name in python::items(state, dict)? {
        let value = dict.get_item(&name)?;
        let by = if by_key { name.clone() } else { value.clone() };
        pairs.push((key(by, case_sensitive), python::tuple(vec![name, value])));
    }
    sort_by_keys(state, &mut pairs, bound.truth(2, false))?;
    python::list(state, pairs.into_iter().map(|(_, pair)| pair).collect())
}

pub(super) fn groupby(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind(
        "groupby",
        &arguments[1..],
        ["attribute", "default", "case_sensitive"],
        1,
    )?;
    let path = Path::new(bound.required(0))?;
    let case_sensitive = bound.truth(2, false);
    let attribute = |item: &Value| {
        let found = path.of(state, item)?;
        Ok::<_, Error>(match bound.get(1) {
            Some(default) if found.is_undefined() => default.clone(),
            _ => found,
        })
    };
    let mut pairs = Vec::new();
    for item in python::items(state, &arguments[0])? {
        pairs.push((key(attribute(&item)?, case_sensitive), item));
    }
    sort_by_keys(state, &mut pairs, false)?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (by, item) in pairs {
        match groups.last_mut() {
            Some((last, items)) if same(state, last, &by)? => items.push(item),
            _ => groups.push((by, vec![item])),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(_, items)| {
            let name = attribute(&items[0])?;
            Ok(Value::from_object(Group::new(name, items)))
        })
        .collect::<Result<_, Error>>()?;
    python::list(state, groups)
}

pub(super) fn unique(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind(
        "unique",
        &arguments[1..],
        ["case_sensitive", "attribute"],
        0,
    )?;
    let path = bound.set(1).map(Path::new).transpose()?;
    let case_sensitive = bound.truth(0, false);
    let mut seen = std::collections::HashSet::new();
    let mut out = Vec::new();
    for item in python::items(state, &arguments[0])? {
        let by = match &path {
            Some(path) => path.of(state, &item)?,
            None => item.clone(),
        };
        hashable(state, &by)?;
        charge(state, by.as_str().map_or(64, str::len))?;
        if seen.insert(key(by, case_sensitive)) {
            out.push(item);
        }
    }
    python::generator(state, out)
}

pub(super) fn min(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    extreme(state, arguments, std::cmp::Ordering::Less)
}

pub(super) fn max(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    extreme(state, arguments, std::cmp::Ordering::Greater)
}

fn extreme(
    state: &State<'_, '_>,
    arguments: &[Value],
    wanted: std::cmp::Ordering,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["case_sensitive", "attribute"], 0)?;
    let path = bound.set(1).map(Path::new).transpose()?;
    let case_sensitive = bound.truth(0, false);
    let mut best: Option<(Value, Value)> = None;
    for item in python::items(state, &arguments[0])? {
        state.consume_fuel(1)?;
        let by = match &path {
            Some(path) => path.of(state, &item)?,
            None => item.clone(),
        };
        let by = key(by, case_sensitive);
        let is_better = match &best {
            None => true,
            Some((than, _)) => order(state, &by, than)? == wanted,
        };
        if is_better {
            best = Some((by, item));
        }
    }
    Ok(best.map_or(Value::UNDEFINED, |(_, item)| item))
}
