//! Regular expressions of JSON Schema, which are those of JavaScript, as expressions over JSON strings.

use std::cell::OnceCell;

use regex_syntax::hir::{
    self, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

/// What can be distributed over the alternatives of a pattern.
const MOST_ALTERNATIVES: usize = 64;
/// Of the expression that is made of a pattern.
const LONGEST_EXPRESSION: usize = 1 << 20;
/// Control characters as JSON may write them beside `\u00…`.
const SHORT_ESCAPES: [(char, char); 5] = [
    ('\u{8}', 'b'),
    ('\t', 't'),
    ('\n', 'n'),
    ('\u{c}', 'f'),
    ('\r', 'r'),
];
/// A character of a JSON string as it is written.
pub(super) const CHARACTER: &str =
    r#"(?:[^\x22\x5C\x00-\x1F\x7F]|\x5C(?:[\x22\x5Cbfnrt]|u00(?:[01][0-9a-fA-F]|7[fF])))"#;

#[derive(Debug)]
pub(super) struct Pattern {
    /// Matches all of a text.
    whole: Hir,
    /// Finds the pattern in a text; none where it is too large for that.
    search: OnceCell<Option<regex::Regex>>,
}

pub(super) enum PatternError {
    /// It is no regular expression; says where.
    Invalid(String),
    /// It is one that no automaton follows.
    Unsupported(String),
}

impl Pattern {
    /// A pattern of a schema, which is looked for anywhere in a text.
    pub(super) fn find(source: &str) -> Result<Self, PatternError> {
        let translated = Translated::of(source)?;
        Self::of(&translated.text, |offset| translated.place(offset))
    }

    /// An expression that is written here and matches a text as a whole.
    pub(super) fn known(source: &str) -> Self {
        match Self::of(&format!("^(?:{source})$"), |offset| offset) {
            Ok(pattern) => pattern,
            Err(_) => unreachable!("{source} is an expression without look-around"),
        }
    }

    fn of(text: &str, place: impl Fn(usize) -> usize) -> Result<Self, PatternError> {
        let hir = regex_syntax::ParserBuilder::new()
            .nest_limit(100)
            .build()
            .parse(text)
            .map_err(|error| {
                let (what, span) = match &error {
                    regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span()),
                    regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span()),
                    _ => return PatternError::Invalid("it is no regular expression".to_owned()),
                };
                let at = place(span.start.offset) + 1;
                PatternError::Invalid(format!("{what}, at character {at}"))
            })?;
        let whole = anchored(hir)?;
        if cost(&whole) > LONGEST_EXPRESSION as u64 {
            return Err(PatternError::Unsupported("it is too large".to_owned()));
        }
        Ok(Self {
            whole,
            search: OnceCell::new(),
        })
    }

    /// As it is written in a JSON string, without the quotes.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.whole)
    }

    /// As `quoted`, for texts of so many characters; none when the expression does not show where to count.
    pub(super) fn quoted_of_length(&self, min: u64, max: Option<u64>) -> Option<String> {
        let (least, most) = lengths(&self.whole);
        let fits = least >= min && max.is_none_or(|max| most.is_some_and(|most| most <= max));
        if fits {
            return Some(self.quoted());
        }
        narrowed(&self.whole, min, max).map(|hir| quoted(&hir))
    }

    /// No text of such a length matches, by its length alone.
    pub(super) fn excludes(&self, min: u64, max: Option<u64>) -> bool {
        let (least, most) = lengths(&self.whole);
        max.is_some_and(|max| least > max) || most.is_some_and(|most| most < min)
    }

    pub(super) fn is_found_in(&self, text: &str) -> bool {
        let search = self
            .search
            .get_or_init(|| regex::Regex::new(&format!("^(?:{})$", self.whole)).ok());
        search.as_ref().is_none_or(|rx| rx.is_match(text))
    }
}

/// A pattern of JavaScript as the parser of Rust's expressions reads it.
struct Translated {
    text: String,
    /// For each byte of the text the character of the source that it comes from.
    from: Vec<usize>,
}

impl Translated {
    fn of(source: &str) -> Result<Self, PatternError> {
        let chars: Vec<char> = source.chars().collect();
        let mut out = Self {
            text: String::new(),
            from: Vec::new(),
        };
        let mut in_class = false;
        let mut at = 0;
        while at < chars.len() {
            let here = at;
            let rest = &chars[at..];
            at += 1;
            match rest {
                ['\\', 'p' | 'P' | 'u' | 'x', '{', ..] => {
                    let end = rest.iter().position(|c| *c == '}').unwrap_or(2);
                    out.push(&rest[..=end].iter().collect::<String>(), here);
                    at += end;
                }
                ['\\', escaped, ..] => {
                    at += 1;
                    out.escape(*escaped, &rest[2..], in_class, here)?;
                }
                ['(', '?', '=' | '!', ..] if !in_class => {
                    return Err(unsupported("a look-ahead", here));
                }
                ['(', '?', '<', '=' | '!', ..] if !in_class => {
                    return Err(unsupported("a look-behind", here));
                }
                ['(', '?', '>', ..] if !in_class => {
                    return Err(unsupported("an atomic group", here));
                }
                ['[', '^', ']', ..] if !in_class => {
                    at += 2;
                    out.push(r"(?s:.)", here);
                }
                ['[', '^', ..] if !in_class => {
                    in_class = true;
                    at += 1;
                    out.push("[^", here);
                }
                ['[', ..] if !in_class => {
                    in_class = true;
                    out.push("[", here);
                }
                [']', ..] if in_class => {
                    in_class = false;
                    out.push("]", here);
                }
                [c @ ('[' | '&' | '~'), ..] if in_class => out.push(&format!(r"\{c}"), here),
                ['-', '-', ..] if in_class => {
                    at += 1;
                    out.push(r"\--", here);
                }
                ['{', ..] if !in_class => match count_end(rest) {
                    Some(end) => {
                        out.push(&rest[..=end].iter().collect::<String>(), here);
                        at += end;
                    }
                    None => out.push(r"\{", here),
                },
                ['}', ..] if !in_class => out.push(r"\}", here),
                [c, ..] => out.push(c.encode_utf8(&mut [0; 4]), here),
                [] => {}
            }
        }
        Ok(out)
    }

    fn escape(
        &mut self,
        escaped: char,
        rest: &[char],
        in_class: bool,
        here: usize,
    ) -> Result<(), PatternError> {
        let text = match escaped {
            'd' if in_class => "0-9",
            'd' => "[0-9]",
            'D' => "[^0-9]",
            'w' if in_class => "0-9A-Za-z_",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'Z' if !in_class => r"\z",
            'b' if in_class => r"\x08",
            '0' if !rest.first().is_some_and(char::is_ascii_digit) => r"\x00",
            '1'..='9' if !in_class => return Err(unsupported("a back-reference", here)),
            'k' if !in_class && rest.first() == Some(&'<') => {
                return Err(unsupported("a back-reference", here));
            }
            c if !c.is_ascii_alphanumeric() => {
                let plain = if c.is_ascii_punctuation() {
                    regex_syntax::escape(c.encode_utf8(&mut [0; 4]))
                } else {
                    c.to_string()
                };
                let plain = match (in_class, c) {
                    (true, '-' | ']' | '[' | '^' | '\\' | '&' | '~') => format!(r"\{c}"),
                    _ => plain,
                };
                self.push(&plain, here);
                return Ok(());
            }
            c => {
                self.push(&format!(r"\{c}"), here);
                return Ok(());
            }
        };
        self.push(text, here);
        Ok(())
    }

    fn push(&mut self, text: &str, from: usize) {
        self.text.push_str(text);
        self.from.resize(self.text.len(), from);
    }

    fn place(&self, offset: usize) -> usize {
        self.from
            .get(offset)
            .or(self.from.last())
            .copied()
            .unwrap_or(0)
    }
}

/// Where `{2}`, `{2,}` or `{2,3}` ends; any other brace is a brace in JavaScript.
fn count_end(rest: &[char]) -> Option<usize> {
    let end = rest.iter().take(24).position(|c| *c == '}')?;
    let inside: String = rest[1..end].iter().collect();
    let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(end)
}

fn unsupported(what: &str, at: usize) -> PatternError {
    PatternError::Unsupported(format!("{what} at character {}", at + 1))
}

/// An expression that matches a text as a whole where the given one is found in it.
fn anchored(hir: Hir) -> Result<Hir, PatternError> {
    let mut waiting = alternatives(hir);
    let mut done = Vec::new();
    while let Some(alternative) = waiting.pop() {
        if waiting.len() + done.len() > MOST_ALTERNATIVES {
            return Err(PatternError::Unsupported(
                "it has too many alternatives with anchors".to_owned(),
            ));
        }
        let mut parts = sequence(alternative);
        let (mut from_start, mut to_end) = (false, false);
        while matches!(
            parts.first().map(Hir::kind),
            Some(HirKind::Look(Look::Start))
        ) {
            from_start = true;
            parts.remove(0);
        }
        while matches!(parts.last().map(Hir::kind), Some(HirKind::Look(Look::End))) {
            to_end = true;
            parts.pop();
        }
        let last = parts.len().saturating_sub(1);
        let outer = [0, last]
            .into_iter()
            .find(|at| parts.get(*at).is_some_and(looks));
        if let Some(at) = outer {
            let choices = alternatives(parts[at].clone());
            if choices.len() > 1 {
                for choice in choices {
                    let mut all = parts.clone();
                    all[at] = choice;
                    if from_start {
                        all.insert(0, Hir::look(Look::Start));
                    }
                    if to_end {
                        all.push(Hir::look(Look::End));
                    }
                    waiting.push(Hir::concat(all));
                }
                continue;
            }
        }
        if parts.iter().any(looks) {
            return Err(PatternError::Unsupported(
                "an anchor or a word boundary within it".to_owned(),
            ));
        }
        if !from_start {
            parts.insert(0, anything());
        }
        if !to_end {
            parts.push(anything());
        }
        done.push(Hir::concat(parts));
    }
    done.reverse();
    Ok(Hir::alternation(done))
}

fn looks(hir: &Hir) -> bool {
    !hir.properties().look_set().is_empty()
}

/// The branches of an expression, an optional one as two.
fn alternatives(hir: Hir) -> Vec<Hir> {
    match hir.into_kind() {
        HirKind::Alternation(all) => all.into_iter().flat_map(alternatives).collect(),
        HirKind::Capture(group) => alternatives(*group.sub),
        HirKind::Repetition(r) if r.max == Some(1) && r.min == 0 && looks(&r.sub) => {
            let mut all = alternatives(*r.sub);
            all.push(Hir::empty());
            all
        }
        kind => vec![from_kind(kind)],
    }
}

/// The parts of an expression that follow each other.
fn sequence(hir: Hir) -> Vec<Hir> {
    match hir.into_kind() {
        HirKind::Concat(all) => all.into_iter().flat_map(sequence).collect(),
        HirKind::Capture(group) if looks(&group.sub) => sequence(*group.sub),
        HirKind::Empty => Vec::new(),
        kind => vec![from_kind(kind)],
    }
}

fn from_kind(kind: HirKind) -> Hir {
    match kind {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(hir::Literal(bytes)) => Hir::literal(bytes),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(r) => Hir::repetition(r),
        HirKind::Capture(group) => *group.sub,
        HirKind::Concat(all) => Hir::concat(all),
        HirKind::Alternation(all) => Hir::alternation(all),
    }
}

fn anything() -> Hir {
    let all = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
    Hir::repetition(Repetition {
        min: 0,
        max: None,
        greedy: true,
        sub: Box::new(Hir::class(Class::Unicode(all))),
    })
}

/// About how large an automaton of the expression would be.
fn cost(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Repetition(r) => {
            let times = u64::from(r.max.unwrap_or(r.min).max(1));
            cost(&r.sub).saturating_mul(times)
        }
        HirKind::Capture(group) => cost(&group.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => {
            all.iter().map(cost).fold(1, u64::saturating_add)
        }
        HirKind::Literal(hir::Literal(bytes)) => bytes.len() as u64,
        _ => 1,
    }
}

/// The characters of the shortest and of the longest text.
fn lengths(hir: &Hir) -> (u64, Option<u64>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (0, Some(0)),
        HirKind::Class(_) => (1, Some(1)),
        HirKind::Literal(hir::Literal(bytes)) => {
            let count = String::from_utf8_lossy(bytes).chars().count() as u64;
            (count, Some(count))
        }
        HirKind::Capture(group) => lengths(&group.sub),
        HirKind::Repetition(r) => {
            let (least, most) = lengths(&r.sub);
            let most = match (most, r.max) {
                (Some(0), _) => Some(0),
                (Some(most), Some(max)) => Some(most.saturating_mul(max.into())),
                _ => None,
            };
            (least.saturating_mul(r.min.into()), most)
        }
        HirKind::Concat(all) => all.iter().map(lengths).fold((0, Some(0)), |sum, part| {
            let most = sum.1.zip(part.1).map(|(a, b)| a.saturating_add(b));
            (sum.0.saturating_add(part.0), most)
        }),
        HirKind::Alternation(all) => {
            let all: Vec<_> = all.iter().map(lengths).collect();
            let least = all.iter().map(|l| l.0).min().unwrap_or(0);
            let most = all.iter().map(|l| l.1).collect::<Option<Vec<u64>>>();
            (least, most.and_then(|most| most.into_iter().max()))
        }
    }
}

/// The expression with its one repetition of a character counted so that the whole has that length.
fn narrowed(hir: &Hir, min: u64, max: Option<u64>) -> Option<Hir> {
    let mut parts = sequence(hir.clone());
    let mut counted = None;
    let mut fixed = 0;
    for (at, part) in parts.iter().enumerate() {
        match (lengths(part), part.kind()) {
            ((least, Some(most)), _) if least == most => fixed += least,
            (_, HirKind::Repetition(r)) if counted.is_none() && lengths(&r.sub) == (1, Some(1)) => {
                counted = Some((at, r.clone()));
            }
            _ => return None,
        }
    }
    let (at, repetition) = counted?;
    let at_least = min.saturating_sub(fixed).max(repetition.min.into());
    let at_most = match (max, repetition.max) {
        (Some(max), own) => {
            let left = max.checked_sub(fixed)?;
            Some(left.min(own.map_or(u64::MAX, u64::from)))
        }
        (None, own) => own.map(u64::from),
    };
    if at_most.is_some_and(|most| most < at_least) {
        return None;
    }
    parts[at] = Hir::repetition(Repetition {
        min: u32::try_from(at_least).ok()?,
        max: at_most.map(u32::try_from).transpose().ok()?,
        ..repetition
    });
    Some(Hir::concat(parts))
}

fn quoted(hir: &Hir) -> String {
    let mut out = String::new();
    write_quoted(hir, &mut out);
    out
}

fn write_quoted(hir: &Hir, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => out.push_str("(?:)"),
        HirKind::Literal(hir::Literal(bytes)) => {
            for c in String::from_utf8_lossy(bytes).chars() {
                write_class(&[(c, c)], out);
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            let ranges: Vec<_> = class.iter().map(|r| (r.start(), r.end())).collect();
            write_class(&ranges, out);
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges: Vec<_> = class
                .iter()
                .map(|r| (char::from(r.start()), char::from(r.end())))
                .collect();
            write_class(&ranges, out);
        }
        HirKind::Capture(group) => write_quoted(&group.sub, out),
        HirKind::Repetition(r) => {
            out.push_str("(?:");
            write_quoted(&r.sub, out);
            out.push(')');
            match (r.min, r.max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => out.push_str(&format!("{{{min},}}")),
                (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
            }
        }
        HirKind::Concat(all) => {
            for part in all {
                write_quoted(part, out);
            }
        }
        HirKind::Alternation(all) => {
            out.push_str("(?:");
            for (i, part) in all.iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                write_quoted(part, out);
            }
            out.push(')');
        }
    }
}

/// Characters that stand in a string as they are, and the escapes of the others.
fn write_class(ranges: &[(char, char)], out: &mut String) {
    let has = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
    let mut plain = String::new();
    for (from, to) in ranges {
        for (low, high) in [(' ', '!'), ('#', '['), (']', '~'), ('\u{80}', char::MAX)] {
            let (low, high) = (low.max(*from), high.min(*to));
            if low <= high {
                plain.push_str(&format!("\\x{{{:x}}}", u32::from(low)));
                if low < high {
                    plain.push_str(&format!("-\\x{{{:x}}}", u32::from(high)));
                }
            }
        }
    }
    let mut escapes = String::new();
    for c in ['"', '\\'].into_iter().filter(|c| has(*c)) {
        escapes.push_str(&format!("\\x{:x}", u32::from(c)));
    }
    for (_, letter) in SHORT_ESCAPES.iter().filter(|(c, _)| has(*c)) {
        escapes.push(*letter);
    }
    let codes: Vec<String> = ('\0'..=' ')
        .take(0x20)
        .chain(['\u{7f}'])
        .filter(|c| has(*c))
        .map(|c| format!("{:02x}", u32::from(c)))
        .collect();
    let mut parts = Vec::new();
    if !plain.is_empty() {
        parts.push(format!("[{plain}]"));
    }
    let mut escaped = Vec::new();
    if !escapes.is_empty() {
        escaped.push(format!("[{escapes}]"));
    }
    match codes.len() {
        0 => {}
        33 => escaped.push("u00(?:[01][0-9a-fA-F]|7[fF])".to_owned()),
        32 if !has('\u{7f}') => escaped.push("u00[01][0-9a-fA-F]".to_owned()),
        _ => escaped.push(format!("u00(?i:{})", codes.join("|"))),
    }
    match escaped.len() {
        0 => {}
        _ => parts.push(format!("\\x5c(?:{})", escaped.join("|"))),
    }
    match parts.len() {
        // A class of no characters.
        0 => out.push_str(r"[^\x00-\x{10ffff}]"),
        1 => out.push_str(&parts[0]),
        _ => out.push_str(&format!("(?:{})", parts.join("|"))),
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn find(source: &str) -> Pattern {
        match Pattern::find(source) {
            Ok(pattern) => pattern,
            Err(PatternError::Invalid(e) | PatternError::Unsupported(e)) => panic!("{source}: {e}"),
        }
    }

    fn complaint(source: &str) -> String {
        match Pattern::find(source) {
            Ok(_) => panic!("{source} was accepted"),
            Err(PatternError::Invalid(e) | PatternError::Unsupported(e)) => e,
        }
    }

    #[test]
    fn a_pattern_is_looked_for_anywhere() {
        for (source, inside, outside) in [
            ("^[a-z0-9-]+$", &["a-b", "9"][..], &["", "A", "a b"][..]),
            ("foo", &["foo", "a foo b"], &["fo", ""]),
            ("^foo", &["foobar"], &["a foo"]),
            ("foo$", &["a foo"], &["foo b"]),
            ("^a|b$", &["axx", "xxb"], &["xax", "bx"]),
            ("^(?:a|b)$", &["a", "b"], &["ab"]),
            (
                "^$|^https?://",
                &["", "http://x", "https://y"],
                &["ftp://x"],
            ),
            ("(^|,)x(,|$)", &["x", "a,x", "x,b", "a,x,b"], &["ax", "xb"]),
            ("^\\d{4}-\\d{2}$", &["2026-11"], &["2026-1", "２０２６-11"]),
            (
                "^[\\w.-]+@[\\w-]+\\.[\\w.-]+$",
                &["a.b@c-d.ef"],
                &["a@b", "a b@c.d"],
            ),
            (
                "^\\/api\\/[^/]+\\/?$",
                &["/api/x", "/api/x/"],
                &["/api/", "api/x"],
            ),
            ("^[[\\]]$", &["[", "]"], &["a"]),
            ("^{{\\w+}}$", &["{{name}}"], &["{name}"]),
            ("^a{2}b{1,}c{0,2}$", &["aabcc"], &["abcc", "aabccc"]),
            ("^[a&&b]$", &["a", "&", "b"], &["ab"]),
            ("^\\u0041\\x42$", &["AB"], &["ab"]),
            ("^\\p{Lu}+$", &["ÄB"], &["äb"]),
            ("^(?i)yes$", &["YES"], &["no"]),
            ("^[^]$", &["\n", "x"], &[""]),
            ("^(?<year>\\d+)$", &["12"], &["x"]),
            ("", &["", "x"], &[]),
        ] {
            let pattern = find(source);
            for text in inside {
                assert!(pattern.is_found_in(text), "{source}: {text}");
            }
            for text in outside {
                assert!(!pattern.is_found_in(text), "{source}: {text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said_with_its_place() {
        for (source, said) in [
            ("^(?!foo)[a-z]+$", "a look-ahead at character 2"),
            ("^a(?=b)", "a look-ahead at character 3"),
            ("(?<!x)y", "a look-behind at character 1"),
            ("(?<=x)y", "a look-behind at character 1"),
            ("(a)\\1", "a back-reference at character 4"),
            ("(?<q>a)\\k<q>", "a back-reference at character 8"),
            ("é\\d(", "at character 4"),
            ("[z-a]", "at character 2"),
            ("a**b[", "at character 5"),
            ("*a", "at character 1"),
            ("a\\bc", "a word boundary"),
        ] {
            let message = complaint(source);
            assert!(message.contains(said), "{source}: {message}");
        }
    }

    #[test]
    fn quoted_patterns_match_what_json_writes() {
        let pattern = find("^[\\s\\S]{3}$");
        let rx = Regex::new(&format!("^(?:{})$", pattern.quoted())).expect("an expression");
        for text in ["abc", "a\"b", "\\\n\t", "é\u{1}😀", "\u{7f}  "] {
            let json = serde_json::Value::from(text)
                .to_string()
                .replace('\u{7f}', "\\u007f");
            assert!(rx.is_match(&json[1..json.len() - 1]), "{json}");
        }
        assert!(!rx.is_match("a\"b") && !rx.is_match("ab"));
        let line = find("^.\\n$").quoted();
        let rx = Regex::new(&format!("^(?:{line})$")).expect("an expression");
        assert!(rx.is_match("x\\n") && rx.is_match("x\\u000a") && rx.is_match("x\\u000A"));
        assert!(!rx.is_match("\\n\\n"));
    }

    #[test]
    fn a_length_is_counted_where_one_character_repeats() {
        let of = |source: &str, min, max| find(source).quoted_of_length(min, max);
        let matches = |rx: &Option<String>, text: &str| {
            let rx = rx.as_ref().expect("an expression");
            Regex::new(&format!("^(?:{rx})$")).expect(rx).is_match(text)
        };
        let slug = of("^[a-z0-9-]+$", 3, Some(5));
        assert!(matches(&slug, "abc") && matches(&slug, "a-b-c"));
        assert!(!matches(&slug, "ab") && !matches(&slug, "abcdef"));
        let key = of("^[A-Z]{2}-\\d+$", 0, Some(6));
        assert!(matches(&key, "AB-123") && !matches(&key, "AB-1234"));
        let prefix = of("^sk_", 0, Some(5));
        assert!(matches(&prefix, "sk_12") && !matches(&prefix, "sk_123"));
        assert!(of("^\\d{4}-\\d{2}-\\d{2}$", 1, Some(10)).is_some());
        assert!(of("^a+b+$", 1, Some(10)).is_none());
        assert!(find("^\\d{4}$").excludes(5, None) && find("^\\d{4}$").excludes(0, Some(3)));
    }
}
