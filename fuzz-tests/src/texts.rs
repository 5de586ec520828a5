//! Texts, each made by a recipe: bytes that decide what is chosen next. A short recipe makes a short text,
//! and zeroes choose what comes first, so that whoever shortens a recipe shortens the text.

use std::fs;
use std::path::Path;

/// The grammar of a language: each rule with what may stand for it, where `<rule>` stands for another one.
/// The first rule is the text. What comes first in a rule ends: it has no rule that leads back to it.
pub type Rules = &'static [(&'static str, &'static [&'static str])];

/// Makes texts by a grammar, and out of those of a corpus.
#[derive(Debug)]
pub struct Texts {
    rules: Rules,
    seeds: Vec<Vec<u8>>,
}

/// No rule goes deeper: then what ends it is chosen.
const DEEPEST: usize = 24;

/// No text grows longer by repeating.
const LONGEST: usize = 1 << 16;

/// What few expect.
const ODD: [&str; 20] = [
    "\0", "\t", "\n", "\r\n", "\u{b}", "\u{1b}", " ", "\"", "\\", "'", "`", "\u{85}", "\u{a0}",
    "é", "e\u{301}", "\u{663}", "\u{2028}", "→", "\u{feff}", "😀",
];

impl Texts {
    /// Those of a target, with its corpus.
    ///
    /// # Panics
    ///
    /// If the corpus is not there.
    #[must_use]
    pub fn of(target: &crate::Target) -> Self {
        let own = format!("corpus/{}", target.name);
        let mut paths = Vec::new();
        for folder in std::iter::once(own.as_str()).chain(target.also.iter().copied()) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries =
                fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
        paths.sort();
        let seeds = paths.iter().map(|path| fs::read(path).expect("a file"));
        Self {
            rules: target.rules,
            seeds: seeds.collect(),
        }
    }

    /// The texts of the corpus.
    #[must_use]
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// The text of a recipe.
    #[must_use]
    pub fn make(&self, recipe: &[u8]) -> Vec<u8> {
        let mut recipe = Recipe(recipe);
        let mut text = match recipe.below(16) {
            0 => return recipe.0.to_vec(),
            1..=9 => self.by_rule(&mut recipe).into_bytes(),
            _ => self.seed(&mut recipe).to_vec(),
        };
        for _ in 0..recipe.of(&[0, 0, 0, 0, 1, 1, 2, 3, 5, 8]) {
            self.edit(&mut text, &mut recipe);
        }
        text
    }

    fn seed(&self, recipe: &mut Recipe<'_>) -> &[u8] {
        &self.seeds[recipe.below(self.seeds.len())]
    }

    fn by_rule(&self, recipe: &mut Recipe<'_>) -> String {
        let mut text = String::new();
        self.write(self.rules[0].1, 0, recipe, &mut text);
        text
    }

    fn write(&self, forms: &[&str], depth: usize, recipe: &mut Recipe<'_>, text: &mut String) {
        let is_over = depth > DEEPEST || text.len() > LONGEST;
        let mut rest = if is_over { forms[0] } else { recipe.of(forms) };
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            let rule = after.split_once('>').and_then(|(name, after)| {
                let (_, forms) = self.rules.iter().find(|(rule, _)| *rule == name)?;
                Some((forms, after))
            });
            match rule {
                Some((forms, after)) => {
                    self.write(forms, depth + 1, recipe, text);
                    rest = after;
                }
                None => {
                    text.push('<');
                    rest = after;
                }
            }
        }
        text.push_str(rest);
    }

    /// Makes one change to a text.
    fn edit(&self, text: &mut Vec<u8>, recipe: &mut Recipe<'_>) {
        let at = recipe.below(text.len() + 1);
        let longest = recipe.of(&[1, 2, 4, 8, 32, 256]);
        let end = (at + 1 + recipe.below(longest)).min(text.len());
        match recipe.below(10) {
            0 | 1 => drop(text.drain(at..end)),
            2 | 3 => {
                let (_, forms) = self.rules[recipe.below(self.rules.len())];
                let mut words = String::new();
                self.write(forms, DEEPEST / 2, recipe, &mut words);
                text.splice(at..at, words.into_bytes());
            }
            4 => {
                let odd = recipe.of(&ODD).as_bytes();
                text.splice(at..at, odd.iter().copied());
            }
            5 if at < text.len() => text[at] = recipe.byte(),
            6 => {
                let to = recipe.below(text.len() + 1);
                let again = text[at..end].to_vec();
                text.splice(to..to, again);
            }
            7 => {
                let seed = self.seed(recipe);
                let from = recipe.below(seed.len() + 1);
                let to = (from + recipe.of(&[1, 4, 16, 64, 256])).min(seed.len());
                text.splice(at..end, seed[from..to].iter().copied());
            }
            8 => {
                let times = recipe.of(&[2, 3, 10, 10, 100, 1_000, 20_000]);
                let again = text[at..end].repeat(times.min(LONGEST / (end - at).max(1)));
                text.splice(at..at, again);
            }
            _ => text.truncate(at),
        }
    }
}

/// What is left of a recipe. One that is used up chooses what comes first.
struct Recipe<'a>(&'a [u8]);

impl Recipe<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is not 0; small ones are as likely as large ones.
    fn below(&mut self, end: usize) -> usize {
        let mut number = usize::from(self.byte());
        if end > 256 {
            number = number << 8 | usize::from(self.byte());
        }
        number % end
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
