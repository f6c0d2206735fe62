/// A metadata value. GGUF knows no nested arrays that anyone writes; they are refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    U64(u64),
    I64(i64),
    F32(f32),
    F64(f64),
    Bool(bool),
    String(String),
    Array(Array),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bool(Vec<bool>),
    String(Strings),
}

/// Many strings in one buffer: vocabularies have hundreds of thousands of them. Bytes that are not UTF-8 were replaced
/// by U+FFFD when the file was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.text[start..end])
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(crate) fn reserve(&mut self, strings: usize) {
        self.ends.reserve_exact(strings);
    }
}

impl<'a> FromIterator<&'a str> for Strings {
    fn from_iter<I: IntoIterator<Item = &'a str>>(items: I) -> Self {
        let mut strings = Strings::default();
        for item in items {
            strings.push(item);
        }
        strings
    }
}

impl Array {
    pub fn len(&self) -> usize {
        match self {
            Array::U8(items) => items.len(),
            Array::I8(items) => items.len(),
            Array::U16(items) => items.len(),
            Array::I16(items) => items.len(),
            Array::U32(items) => items.len(),
            Array::I32(items) => items.len(),
            Array::U64(items) => items.len(),
            Array::I64(items) => items.len(),
            Array::F32(items) => items.len(),
            Array::F64(items) => items.len(),
            Array::Bool(items) => items.len(),
            Array::String(items) => items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One element as a value of its own.
    pub fn get(&self, index: usize) -> Option<Value> {
        Some(match self {
            Array::U8(items) => Value::U8(*items.get(index)?),
            Array::I8(items) => Value::I8(*items.get(index)?),
            Array::U16(items) => Value::U16(*items.get(index)?),
            Array::I16(items) => Value::I16(*items.get(index)?),
            Array::U32(items) => Value::U32(*items.get(index)?),
            Array::I32(items) => Value::I32(*items.get(index)?),
            Array::U64(items) => Value::U64(*items.get(index)?),
            Array::I64(items) => Value::I64(*items.get(index)?),
            Array::F32(items) => Value::F32(*items.get(index)?),
            Array::F64(items) => Value::F64(*items.get(index)?),
            Array::Bool(items) => Value::Bool(*items.get(index)?),
            Array::String(items) => Value::String(items.get(index)?.to_owned()),
        })
    }
}

impl Value {
    /// Any integer, or a boolean as 0 and 1; none for other types.
    pub fn as_i128(&self) -> Option<i128> {
        Some(match self {
            Value::U8(v) => i128::from(*v),
            Value::I8(v) => i128::from(*v),
            Value::U16(v) => i128::from(*v),
            Value::I16(v) => i128::from(*v),
            Value::U32(v) => i128::from(*v),
            Value::I32(v) => i128::from(*v),
            Value::U64(v) => i128::from(*v),
            Value::I64(v) => i128::from(*v),
            Value::Bool(v) => i128::from(*v),
            _ => return None,
        })
    }

    /// Floats, and integers as floats.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::F32(v) => Some(f64::from(*v)),
            Value::F64(v) => Some(*v),
            Value::Bool(_) => None,
            other => other.as_i128().map(|v| v as f64),
        }
    }

    /// A boolean, or the integers 0 and 1.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_i128()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }
}
