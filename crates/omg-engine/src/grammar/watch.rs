/// Finds a text in a stream of bytes (Knuth, Morris and Pratt). Cheap to copy, so that it can be tried out.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    needle: Vec<u8>,
    /// Length of the longest border of each prefix.
    borders: Vec<usize>,
    matched: usize,
}

impl Watch {
    pub(super) fn new(needle: &str) -> Self {
        let needle = needle.as_bytes().to_vec();
        let mut borders = vec![0; needle.len()];
        let mut border = 0;
        for i in 1..needle.len() {
            while border > 0 && needle[i] != needle[border] {
                border = borders[border - 1];
            }
            border += usize::from(needle[i] == needle[border]);
            borders[i] = border;
        }
        Self {
            needle,
            borders,
            matched: 0,
        }
    }

    /// The beginning of the text has been seen.
    pub(super) fn is_begun(&self) -> bool {
        self.matched > 0
    }

    /// Bytes up to the end of the text, when it ends in these.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let (matched, end) = self.run(bytes);
        self.matched = matched;
        end
    }

    /// As `feed`, without going on.
    pub(super) fn peek(&self, bytes: &[u8]) -> Option<usize> {
        self.run(bytes).1
    }

    fn run(&self, bytes: &[u8]) -> (usize, Option<usize>) {
        let mut matched = self.matched;
        for (i, byte) in bytes.iter().enumerate() {
            while matched > 0 && *byte != self.needle[matched] {
                matched = self.borders[matched - 1];
            }
            matched += usize::from(*byte == self.needle[matched]);
            if matched == self.needle.len() {
                return (0, Some(i + 1));
            }
        }
        (matched, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_text_however_it_is_cut() {
        let text = b"ababac abac!";
        for cut in 0..text.len() {
            let mut watch = Watch::new("abac");
            let end = watch
                .feed(&text[..cut])
                .or_else(|| watch.feed(&text[cut..]).map(|n| cut + n));
            assert_eq!(end, Some(6), "cut at {cut}");
        }
        let mut watch = Watch::new("abac");
        assert_eq!(watch.feed(b"xab"), None);
        assert!(watch.is_begun());
        assert_eq!(watch.peek(b"ac{"), Some(2));
        assert_eq!(watch.feed(b"x"), None);
        assert!(!watch.is_begun());
    }
}
