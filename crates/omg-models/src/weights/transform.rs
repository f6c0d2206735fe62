/// How the values of a role differ between safetensors and GGUF files, whose form the blocks read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// Norms that are stored as weight − 1.
    PlusOne,
    /// Decays that are stored as the logarithm of their negative (Mamba's `A_log`).
    NegExp,
    /// Matrices that are stored `[inputs, outputs]` (GPT-2's `Conv1D`).
    Transpose,
    Scale(f32),
}

/// What to do to which role of a safetensors checkpoint.
pub type Transforms = &'static [(super::Role, Transform)];

impl Transform {
    pub(super) fn values(self, mut values: Vec<f32>) -> Vec<f32> {
        let change = |x: f32| match self {
            Self::PlusOne => x + 1.0,
            Self::NegExp => -x.exp(),
            Self::Scale(factor) => x * factor,
            Self::Transpose => x,
        };
        values.iter_mut().for_each(|x| *x = change(*x));
        values
    }

    /// `values`: rows of `stored_cols` elements.
    pub(super) fn matrix(self, values: Vec<f32>, stored_cols: usize) -> Vec<f32> {
        if self != Self::Transpose {
            return self.values(values);
        }
        let rows = values.len() / stored_cols.max(1);
        let cell = |index: usize| values[index % rows * stored_cols + index / rows];
        (0..values.len()).map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_turned_over() {
        let stored = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let turned = Transform::Transpose.matrix(stored, 3);
        assert_eq!(turned, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }

    #[test]
    fn values_take_the_form_of_gguf_files() {
        assert_eq!(Transform::PlusOne.values(vec![-0.5, 1.0]), [0.5, 2.0]);
        assert_eq!(Transform::NegExp.values(vec![0.0]), [-1.0]);
        assert_eq!(Transform::Scale(0.5).matrix(vec![4.0], 1), [2.0]);
    }
}
