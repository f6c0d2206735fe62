use super::header::{Header, Setting};
use super::keys;
use crate::error::Result;

/// Which layers of a family attend through a sliding window, where the header does not list them.
#[derive(Clone, Copy)]
pub(crate) enum Windows {
    Never,
    /// Every layer, when the header gives a window.
    Every,
    /// From `max_window_layers` on, when `use_sliding_window` says so.
    WhenEnabled,
    /// Of `n` layers in a row the first `n − 1`.
    Pattern(usize),
}

/// The window of each layer in tokens.
pub(crate) fn read(
    header: &Header<'_>,
    windows: Windows,
    layers: usize,
) -> Result<Vec<Option<usize>>> {
    let size = header.count(keys::WINDOW)?.filter(|size| *size > 0);
    let enabled = match windows {
        Windows::Never => false,
        Windows::WhenEnabled => header.flag(keys::WINDOW_ENABLED)?.unwrap_or(false),
        Windows::Every | Windows::Pattern(_) => true,
    };
    let Some(size) = size.filter(|_| enabled) else {
        return Ok(vec![None; layers]);
    };
    let first = header.count(keys::WINDOW_FIRST_LAYER)?.unwrap_or(0);
    let by_family = |layer: usize| match windows {
        Windows::Never => false,
        Windows::Every => true,
        Windows::WhenEnabled => layer >= first,
        Windows::Pattern(n) => layer % n < n - 1,
    };
    let listed = listed(header, layers)?;
    Ok((0..layers)
        .map(|layer| {
            listed
                .as_ref()
                .map_or_else(|| by_family(layer), |kinds| kinds[layer])
        })
        .map(|windowed| windowed.then_some(size))
        .collect())
}

/// The layers named by the header itself: `layer_types`, a list of flags, or the `n` of a pattern.
fn listed(header: &Header<'_>, layers: usize) -> Result<Option<Vec<bool>>> {
    if let Some(types) = header.get(keys::LAYER_TYPES) {
        let kind = |item: &Setting| match item {
            Setting::Text(kind) if kind == "sliding_attention" => Ok(true),
            Setting::Text(kind) if kind == "full_attention" => Ok(false),
            _ => Err(header.wrong(
                keys::LAYER_TYPES,
                "names a kind of layer that the family does not have",
            )),
        };
        return match types {
            Setting::List(items) if items.len() >= layers => items[..layers]
                .iter()
                .map(kind)
                .collect::<Result<_>>()
                .map(Some),
            _ => Err(header.wrong(keys::LAYER_TYPES, "does not list every layer")),
        };
    }
    match header.get(keys::WINDOW_PATTERN) {
        None => Ok(None),
        Some(Setting::List(items)) if items.len() >= layers => {
            let flag = |item: &Setting| match item {
                Setting::Flag(windowed) => Ok(*windowed),
                Setting::Number(windowed) => Ok(*windowed != 0.0),
                _ => Err(header.wrong(keys::WINDOW_PATTERN, "is not a list of flags")),
            };
            items[..layers]
                .iter()
                .map(flag)
                .collect::<Result<_>>()
                .map(Some)
        }
        // `L` for a windowed (local) layer, over and over.
        Some(Setting::Text(kinds)) if !kinds.is_empty() => {
            let cycle = kinds.chars().cycle().take(layers);
            Ok(Some(cycle.map(|kind| kind == 'L').collect()))
        }
        Some(Setting::Number(_)) => {
            let n = header.required_count(keys::WINDOW_PATTERN)?;
            Ok(Some((0..layers).map(|layer| layer % n < n - 1).collect()))
        }
        Some(_) => Err(header.wrong(
            keys::WINDOW_PATTERN,
            "is neither a number nor a flag for every layer",
        )),
    }
}
