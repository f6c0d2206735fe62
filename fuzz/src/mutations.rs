/// Damaged copies of valid inputs, the same ones for the same seed.
pub struct Mutations {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

const LONGEST: usize = 64 << 10;
/// Numbers that lie best, in the lengths and offsets of files and in texts.
const NUMBERS: &[u64] = &[
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX / 2,
    u64::MAX,
];

impl Mutations {
    pub fn new(seeds: Vec<Vec<u8>>, first: u64) -> Self {
        Self {
            seeds,
            state: first,
        }
    }

    fn random(&mut self, below: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.state >> 33) as usize % below.max(1)
    }

    pub fn next_input(&mut self) -> Vec<u8> {
        let which = self.random(self.seeds.len());
        let mut bytes = self.seeds[which].clone();
        for _ in 0..=self.random(6) {
            self.damage(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random(bytes.len() + 1);
        let run = (1 + self.random(16)).min(bytes.len() - at);
        match self.random(9) {
            0 if run > 0 => bytes[at] ^= 1 << self.random(8),
            1 if run > 0 => bytes[at] = self.random(256) as u8,
            2 => {
                let number = NUMBERS[self.random(NUMBERS.len())].to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            3 => {
                let number = NUMBERS[self.random(NUMBERS.len())].to_string();
                bytes.splice(at..at, number.into_bytes());
            }
            4 => {
                bytes.drain(at..at + run);
            }
            5 => {
                let copy = bytes[at..at + run].repeat(1 + self.random(64));
                bytes.splice(at..at, copy);
            }
            6 => bytes.truncate(at),
            7 => {
                // The end of another one.
                let other = self.random(self.seeds.len());
                let from = self.random(self.seeds[other].len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&self.seeds[other][from..]);
            }
            _ => {
                let marks = b"{}[]\"\\:,()|*+?~&%<>\0\n";
                let mark = marks[self.random(marks.len())];
                bytes.insert(at, mark);
            }
        }
    }
}
