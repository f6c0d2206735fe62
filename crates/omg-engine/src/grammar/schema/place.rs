use std::fmt;

/// Characters of a property's name that a message shows.
const LONGEST_NAME: usize = 60;

/// Where in a schema something stands. It is written down for a message only: each path as text would cost the square of the schema.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    within: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Key(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    /// A path that is text already.
    pub(super) fn root(path: &'a str) -> Self {
        Self {
            within: None,
            step: Step::Root(path),
        }
    }

    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self {
            within: Some(self),
            step: Step::Key(key),
        }
    }

    pub(super) fn item(&'a self, index: usize) -> Self {
        Self {
            within: Some(self),
            step: Step::Item(index),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            within.fmt(f)?;
        }
        match self.step {
            Step::Root(path) => f.write_str(path),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => match key.char_indices().nth(LONGEST_NAME) {
                Some((end, _)) => write!(f, ".{}…", &key[..end]),
                None => write!(f, ".{key}"),
            },
        }
    }
}
