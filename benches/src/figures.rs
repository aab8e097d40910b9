//! What one measurement gives, and the line in which a child tells its parent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The figures of one measurement, by name.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    numbers: BTreeMap<String, f64>,
    /// What became of the run, where that is the question.
    pub(crate) fate: Option<String>,
    /// The sum of the results, which no order changes. Not for a table, and too long for one.
    pub(crate) sum: Option<u64>,
    /// A sum of the results that depends on their order, where the results do not tell it.
    pub(crate) chain: Option<u64>,
    /// What is wrong with the results.
    pub(crate) wrong: Option<String>,
}

/// What the line begins with, so that nothing else a child prints is taken for it.
const MARK: &str = "figures";

impl Figures {
    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.numbers.insert(name.to_owned(), value);
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&str, f64)> {
        self.numbers.iter().map(|(name, &value)| (name.as_str(), value))
    }

    /// The line for the parent: fields that a tab separates.
    pub(crate) fn line(&self) -> String {
        let mut line = MARK.to_owned();
        for (name, value) in &self.numbers {
            write!(line, "\t{name}={value}").expect("a string takes everything");
        }
        let texts = [
            ("fate", self.fate.clone()),
            ("sum", self.sum.map(|sum| sum.to_string())),
            ("chain", self.chain.map(|chain| chain.to_string())),
            ("wrong", self.wrong.clone()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                let text = text.replace(['\t', '\n'], " ");
                write!(line, "\t{name}={text}").expect("a string takes everything");
            }
        }
        line
    }

    /// Reads the line out of all that a child has printed.
    pub(crate) fn of_output(output: &str) -> Option<Self> {
        let fields = output.lines().find_map(|line| line.strip_prefix(MARK)?.strip_prefix('\t'))?;
        let mut figures = Self::default();
        for field in fields.split('\t') {
            let (name, value) = field.split_once('=')?;
            match name {
                "fate" => figures.fate = Some(value.to_owned()),
                "sum" => figures.sum = Some(value.parse().ok()?),
                "chain" => figures.chain = Some(value.parse().ok()?),
                "wrong" => figures.wrong = Some(value.to_owned()),
                _ => figures.set(name, value.parse().ok()?),
            }
        }
        Some(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn a_line_comes_back_as_it_was() {
        let mut figures = Figures::default().with("ns", 12.5).with("items", 1e7);
        figures.fate = Some("ends\tearly".to_owned());
        figures.sum = Some(u64::MAX);
        let read = Figures::of_output(&format!("something else\n{}\n", figures.line())).unwrap();
        assert_eq!(read.get("ns"), Some(12.5));
        assert_eq!(read.get("items"), Some(1e7));
        assert_eq!(read.fate.as_deref(), Some("ends early"));
        assert_eq!((read.sum, read.chain, read.wrong), (Some(u64::MAX), None, None));
    }

    #[test]
    fn no_line_gives_no_figures() {
        assert!(Figures::of_output("the program says something").is_none());
    }
}
