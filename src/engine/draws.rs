//! Repeatable probability.
//!
//! Whether an alternative with a percentage takes a hit is a function of the seed, the failpoint's
//! name, the alternative's position in its chain, and the number of that alternative's draw. There
//! is no shared generator, so what other points and threads draw meanwhile changes nothing. The
//! numbers continue through reconfiguration and removal: reconfiguring a point before every hit
//! does not replay its first draw.
//!
//! A time from a range is drawn in the same way, in a sequence of its own: a percentage takes the
//! same hits whether or not there is a time to draw at those that it takes.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::name::{fold, hash};
use crate::engine::sync::held;
use crate::engine::trie::{Named, Trie};

/// What one alternative of one configuration draws for one use.
pub(crate) struct Bits {
    /// Seed, name, position and use.
    key: u64,
    /// The number of draws so far under this name and position, for this use.
    number: Arc<AtomicUsize>,
}

impl Bits {
    /// Draws once.
    pub(crate) fn next(&self) -> u64 {
        // Relaxed: each number is given out once, and orders nothing else.
        let number = self.number.fetch_add(1, Ordering::Relaxed) as u64;
        fold(fold(self.key ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// The draws of the percentage of one alternative of one configuration.
pub(crate) struct Draw {
    bits: Bits,
    /// A draw below this, of 2^53, takes the hit.
    threshold: f64,
}

impl Draw {
    /// Draws once.
    pub(crate) fn next(&self) -> bool {
        ((self.bits.next() >> 11) as f64) < self.threshold
    }
}

/// What is drawn.
#[derive(Clone, Copy)]
enum Use {
    /// Whether a percentage takes a hit.
    Percent,
    /// A time from a range.
    Time,
}

/// The seed and the numbers of draws of every name that ever drew.
pub(crate) struct Draws {
    // A plain mutex of std: it has no part in the protocol that loom models.
    state: Mutex<State>,
}

struct State {
    seed: Option<u64>,
    /// Whether somebody chose it.
    is_chosen: bool,
    /// Whether the seed was said.
    is_said: bool,
    /// Created for the first that draws.
    numbers: Option<Trie<Arc<Numbers>>>,
}

/// The number of draws under a name, by use and position in the chain.
struct Numbers {
    name: Box<str>,
    hash: u64,
    by_use: [Vec<Arc<AtomicUsize>>; 2],
}

impl Named for Numbers {
    fn name(&self) -> &str {
        &self.name
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

impl Draws {
    pub(crate) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                seed: None,
                is_chosen: false,
                is_said: false,
                numbers: None,
            }),
        }
    }

    /// Sets the seed for everything that is configured from now on, and restarts every count of
    /// draws.
    pub(crate) fn set_seed(&self, seed: u64) {
        let mut state = held(self.state.lock());
        state.seed = Some(seed);
        state.is_chosen = true;
        state.is_said = false;
        state.numbers = None;
    }

    /// Takes over a seed that was set.
    pub(crate) fn inherit(&self, from: &Draws) {
        let (seed, is_chosen) = {
            let from = held(from.state.lock());
            (from.seed, from.is_chosen)
        };
        let mut state = held(self.state.lock());
        (state.seed, state.is_chosen) = (seed, is_chosen);
    }

    /// Begins the sequences of draws anew, from the same seed.
    pub(crate) fn restart(&self) {
        held(self.state.lock()).numbers = None;
    }

    /// Returns the seed, which is `otherwise` where none was set.
    pub(crate) fn seed(&self, otherwise: impl FnOnce() -> u64) -> u64 {
        *held(self.state.lock()).seed.get_or_insert_with(otherwise)
    }

    /// Returns the draw of each alternative of a chain with these percentages, `None` if it does not
    /// draw; nothing at all if none of them does. The seed is `otherwise` where none was set.
    pub(crate) fn of(
        &self,
        name: &str,
        percents: &[Option<f64>],
        otherwise: impl FnOnce() -> u64,
    ) -> Vec<Option<Draw>> {
        let threshold = |percent: &Option<f64>| {
            let percent = percent.filter(|p| *p < 100.0)?;
            Some(percent / 100.0 * (1_u64 << 53) as f64)
        };
        if percents.iter().all(|percent| threshold(percent).is_none()) {
            return Vec::new();
        }
        let thresholds: Vec<Option<f64>> = percents.iter().map(threshold).collect();
        let draws: Vec<bool> = thresholds.iter().map(Option::is_some).collect();
        let bits = self.bits(Use::Percent, name, &draws, otherwise);
        let draw = |(bits, threshold): (Option<Bits>, Option<f64>)| {
            Some(Draw {
                bits: bits?,
                threshold: threshold?,
            })
        };
        bits.into_iter().zip(thresholds).map(draw).collect()
    }

    /// [`of`](Self::of) for the times of a chain, of which `draws` says whether they are drawn.
    pub(crate) fn times(
        &self,
        name: &str,
        draws: &[bool],
        otherwise: impl FnOnce() -> u64,
    ) -> Vec<Option<Bits>> {
        self.bits(Use::Time, name, draws, otherwise)
    }

    fn bits(
        &self,
        to: Use,
        name: &str,
        draws: &[bool],
        otherwise: impl FnOnce() -> u64,
    ) -> Vec<Option<Bits>> {
        if !draws.contains(&true) {
            return Vec::new();
        }
        let mut state = held(self.state.lock());
        let seed = *state.seed.get_or_insert_with(otherwise);
        let numbers = state.numbers(to, name, draws.len());
        let bits = |(position, draws): (usize, &bool)| {
            let key = fold(fold(seed ^ hash(name)) ^ position as u64);
            draws.then(|| Bits {
                key: match to {
                    Use::Percent => key,
                    // Any constant: the two sequences of an alternative differ by it.
                    Use::Time => fold(key ^ 0x7469_6d65),
                },
                number: numbers[position].clone(),
            })
        };
        draws.iter().enumerate().map(bits).collect()
    }

    /// Whether the seed was chosen, rather than found.
    pub(crate) fn is_chosen(&self) -> bool {
        held(self.state.lock()).is_chosen
    }

    /// Whether `seed` is this one's and was said already. From now on it was.
    pub(crate) fn was_said(&self, seed: u64) -> bool {
        let state = &mut *held(self.state.lock());
        state.seed == Some(seed) && std::mem::replace(&mut state.is_said, true)
    }
}

/// Returns a seed for those who set none.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

impl State {
    /// Returns the numbers of the first `len` positions, at least.
    fn numbers(&mut self, to: Use, name: &str, len: usize) -> Vec<Arc<AtomicUsize>> {
        let all = self.numbers.get_or_insert_with(Trie::new);
        let hash = hash(name);
        let known = all.get(hash, name);
        let mut by_use = known.map_or(Default::default(), |numbers| numbers.by_use.clone());
        let by_position: &mut Vec<_> = &mut by_use[to as usize];
        let positions = by_position.len();
        if positions < len {
            by_position.resize_with(len, Arc::default);
        }
        let numbers = by_position.clone();
        if positions < len {
            all.insert(Arc::new(Numbers {
                name: name.into(),
                hash,
                by_use,
            }));
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(draws: Vec<Option<Draw>>) -> Option<Draw> {
        draws.into_iter().next().flatten()
    }

    fn sequence(seed: u64, name: &str, percents: &[f64], position: usize) -> Vec<bool> {
        let draws = Draws::new();
        draws.set_seed(seed);
        let percents: Vec<Option<f64>> = percents.iter().copied().map(Some).collect();
        let draw = draws
            .of(name, &percents, random)
            .swap_remove(position)
            .unwrap();
        (0..10_000).map(|_| draw.next()).collect()
    }

    fn agreement(a: &[bool], b: &[bool]) -> usize {
        a.iter().zip(b).filter(|(a, b)| a == b).count()
    }

    #[test]
    fn seed_name_and_position_each_give_their_own_sequence() {
        let base = sequence(1, "a", &[50.0, 50.0], 0);
        assert_eq!(base, sequence(1, "a", &[50.0, 50.0], 0));
        for other in [
            sequence(2, "a", &[50.0, 50.0], 0),
            sequence(1, "b", &[50.0, 50.0], 0),
            sequence(1, "a", &[50.0, 50.0], 1),
        ] {
            // Independent coins agree half of the time: six standard deviations
            // of 10,000 throws are 300.
            assert!((4_700..=5_300).contains(&agreement(&base, &other)));
        }
    }

    #[test]
    fn frequency_follows_the_percentage() {
        for (percent, low, high) in [
            (0.0, 0, 0),
            (1.0, 40, 160),
            (25.0, 2_240, 2_760),
            (99.9, 9_970, 10_000),
        ] {
            let fired = sequence(7, "a", &[percent], 0)
                .iter()
                .filter(|f| **f)
                .count();
            assert!((low..=high).contains(&fired), "{percent}: {fired}");
        }
    }

    #[test]
    fn numbers_go_on_when_a_name_is_configured_again() {
        let draws = Draws::new();
        draws.set_seed(3);
        let one_by_one: Vec<bool> = (0..1_000)
            .map(|_| first(draws.of("a", &[Some(50.0)], random)).unwrap().next())
            .collect();
        assert_eq!(one_by_one, sequence(3, "a", &[50.0], 0)[..1_000]);
    }

    #[test]
    fn times_have_a_sequence_of_their_own_which_goes_on_too() {
        let draws = Draws::new();
        draws.set_seed(3);
        let chance = first(draws.of("a", &[Some(50.0)], random)).unwrap();
        let time = || draws.times("a", &[true], random).remove(0).unwrap().next();
        // Beside each draw of the percentage one of a time, each after a reconfiguration.
        let (fired, times): (Vec<bool>, Vec<u64>) =
            (0..1_000).map(|_| (chance.next(), time())).unzip();
        assert_eq!(fired, sequence(3, "a", &[50.0], 0)[..1_000]);
        draws.set_seed(3);
        let alone = draws.times("a", &[true], random).remove(0).unwrap();
        assert_eq!(times, (0..1_000).map(|_| alone.next()).collect::<Vec<_>>());
        let low: Vec<bool> = times.iter().map(|time| *time < u64::MAX / 2).collect();
        // Independent coins, as above.
        assert!(agreement(&fired, &low).abs_diff(500) < 95);
    }

    #[test]
    fn always_does_not_draw() {
        let draws = Draws::new();
        for percent in [None, Some(100.0), Some(125.0)] {
            assert!(
                first(draws.of("a", &[percent], random)).is_none(),
                "{percent:?}"
            );
        }
    }
}
