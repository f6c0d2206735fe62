//! The filters of Jinja2, with its names of parameters. `random` and `urlize` are left out: no prompt should depend on chance, and
//! none needs links.

mod access;
pub(crate) mod markup;
mod number;
mod order;
mod sequence;
mod text;

use minijinja::Environment;

use crate::arguments::{Callable, raw};
use crate::tojson::tojson;

pub(crate) use text::soft;

const FILTERS: [(&str, Callable); 52] = [
    ("abs", number::abs),
    ("attr", access::attr),
    ("batch", sequence::batch),
    ("capitalize", text::capitalize),
    ("center", text::center),
    ("count", sequence::length),
    ("d", access::default),
    ("default", access::default),
    ("dictsort", order::dictsort),
    ("e", markup::escape),
    ("escape", markup::escape),
    ("filesizeformat", number::filesizeformat),
    ("first", sequence::first),
    ("float", number::float),
    ("forceescape", markup::forceescape),
    ("format", text::format),
    ("groupby", order::groupby),
    ("indent", text::indent),
    ("int", number::int),
    ("items", sequence::items),
    ("join", sequence::join),
    ("last", sequence::last),
    ("length", sequence::length),
    ("list", sequence::list),
    ("lower", text::lower),
    ("map", access::map),
    ("max", order::max),
    ("min", order::min),
    ("pprint", text::pprint),
    ("reject", access::reject),
    ("rejectattr", access::rejectattr),
    ("replace", text::replace),
    ("reverse", sequence::reverse),
    ("round", number::round),
    ("safe", markup::safe),
    ("select", access::select),
    ("selectattr", access::selectattr),
    ("slice", sequence::slice),
    ("sort", order::sort),
    ("string", text::string),
    ("striptags", markup::striptags),
    ("sum", number::sum),
    ("title", text::title),
    ("tojson", tojson),
    ("trim", text::trim),
    ("truncate", text::truncate),
    ("unique", order::unique),
    ("upper", text::upper),
    ("urlencode", markup::urlencode),
    ("wordcount", text::wordcount),
    ("wordwrap", text::wordwrap),
    ("xmlattr", markup::xmlattr),
];

pub(crate) fn add(environment: &mut Environment<'static>) {
    for (name, filter) in FILTERS {
        environment.add_filter(name, raw(filter));
    }
}

/// Whether Jinja2 has the filter.
pub(crate) fn is_known(name: &str) -> bool {
    FILTERS.iter().any(|(known, _)| *known == name)
}
