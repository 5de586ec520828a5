//! Hits of macros that await in place. Most of a program's call sites in async code are of these, so each
//! is as little code as can be: the check whether it is idle, a poll, a drop, and the way of a value.

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::engine::context::FailpointContext;
use crate::engine::report;
use crate::engine::site::{Returns, Site, Spot, Target};
use crate::engine::unwind::caught;
use crate::hit::evaluate::{Argument, NoClosure};
use crate::hit::future::{Begun, End, Waiting, begin_armed};

/// What a macro hits that awaits in place.
pub trait Place {
    /// What its future holds of it.
    type Held: Held;

    /// Begins a hit; `None` if it is over. Always inline: what it decides at a call site is that one's
    /// code.
    #[doc(hidden)]
    fn begin<V: Argument>(self) -> Option<InPlace<V, Self::Held>>;
}

/// What a future holds of what it hits.
pub trait Held {
    /// What is to be hit at the first poll.
    #[doc(hidden)]
    fn site(&self) -> Option<&'static Site>;
}

/// A call site, which takes no room in the future: the function is the type.
impl<F: Fn() -> &'static Site> Place for F {
    type Held = F;

    #[inline(always)]
    fn begin<V: Argument>(self) -> Option<InPlace<V, F>> {
        match self().is_idle(V::RULES) {
            true => None,
            false => Some(InPlace::new(self, None)),
        }
    }
}

impl<F: Fn() -> &'static Site> Held for F {
    #[inline(always)]
    fn site(&self) -> Option<&'static Site> {
        Some(self())
    }
}

/// A name is not held until the first poll.
impl Place for Target<'_> {
    type Held = ();

    #[inline(always)]
    #[track_caller]
    fn begin<V: Argument>(self) -> Option<InPlace<V, ()>> {
        match self.is_idle(V::RULES) {
            true => None,
            false => begin_now(self, None),
        }
    }
}

impl Held for () {
    fn site(&self) -> Option<&'static Site> {
        None
    }
}

/// Hits a failpoint for a macro that awaits in place; returns what is to be awaited, if anything. (Only a
/// build with failpoints has such a macro: nothing here checks that.)
#[inline]
#[track_caller]
pub fn begin<P: Place>(place: P) -> Option<InPlace<String, P::Held>> {
    place.begin()
}

/// Like [`begin`], for a macro without a closure.
#[inline]
#[track_caller]
pub fn begin_unit<P: Place>(place: P) -> Option<InPlace<NoClosure<false>, P::Held>> {
    place.begin()
}

/// Like [`begin`], with a context, which is not held until the first poll.
#[inline]
#[track_caller]
pub fn begin_with<'a>(
    spot: impl Spot<'a>,
    context: &FailpointContext,
) -> Option<InPlace<String, ()>> {
    begin_now(spot, Some(context))
}

/// Like [`begin_with`], for a macro without a closure.
#[inline]
#[track_caller]
pub fn begin_unit_with<'a>(
    spot: impl Spot<'a>,
    context: &FailpointContext,
) -> Option<InPlace<NoClosure<false>, ()>> {
    begin_now(spot, Some(context))
}

/// Hits at once what would have to be held until the first poll.
#[cold]
#[inline(never)]
#[track_caller]
fn begin_now<'a, V: Argument>(
    spot: impl Spot<'a>,
    context: Option<&FailpointContext>,
) -> Option<InPlace<V, ()>> {
    let waiting = match begin_armed(&spot.into(), context, None, V::RULES, V::RETURNS) {
        Begun::Continue => return None,
        Begun::Return(value) => Waiting::over(End::Return(value)),
        Begun::Wait(waiting) => waiting,
    };
    Some(InPlace::new((), Some(waiting)))
}

/// What a macro awaits in place: a hit, and what it then waits for. It borrows nothing, so that neither
/// the name nor the context is held across the await.
#[expect(missing_debug_implementations, reason = "only macros see it")]
pub struct InPlace<V, H> {
    held: H,
    slot: Slot<V>,
}

impl<V, H> InPlace<V, H> {
    #[inline(always)]
    fn new(held: H, waiting: Option<Waiting<'static>>) -> Self {
        let (waiting, argument) = (ManuallyDrop::new(waiting), PhantomData);
        let slot = Slot { waiting, argument };
        Self { held, slot }
    }
}

impl<V, H> Unpin for InPlace<V, H> {}

impl<V: Argument, H: Held> Future for InPlace<V, H> {
    type Output = Returned<V>;

    #[inline(always)]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Returned<V>> {
        let this = self.get_mut();
        this.slot.poll(this.held.site(), cx)
    }
}

/// What a hit waits for. A call site has no more code of it than a poll and a drop, which are functions of
/// the crate that has the call site: calls of another crate's are longer.
struct Slot<V> {
    /// `None` before the hit, and after its end. Dropped by [`leave`](Self::leave).
    waiting: ManuallyDrop<Option<Waiting<'static>>>,
    argument: PhantomData<fn() -> V>,
}

impl<V> Drop for Slot<V> {
    #[inline(always)]
    fn drop(&mut self) {
        self.leave();
    }
}

impl<V> Slot<V> {
    /// Drops what it waits for. Without unwinding: where it can, a call site has a fourth more code. The
    /// compiler knows of no other function than one with a foreign ABI that it cannot.
    #[cold]
    #[inline(never)]
    extern "C" fn leave(&mut self) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        if caught(|| drop(waiting)).is_none() {
            report::panicked_in_a_destructor();
        }
    }
}

impl<V: Argument> Slot<V> {
    /// Hits `site`, unless something waits already. (A macro does not poll again what is ready, or what
    /// panicked: it would hit again.)
    #[inline(never)]
    #[track_caller]
    fn poll(&mut self, site: Option<&'static Site>, cx: &mut Context<'_>) -> Poll<Returned<V>> {
        let waiting = match (&mut *self.waiting, site) {
            (Some(waiting), _) => waiting,
            (None, None) => return Poll::Ready(Returned::nothing()),
            (None, Some(site)) => {
                match begin_armed(&site.into(), None, None, V::RULES, V::RETURNS) {
                    Begun::Continue => return Poll::Ready(Returned::nothing()),
                    Begun::Return(value) => return Poll::Ready(Returned::put(value)),
                    Begun::Wait(begun) => self.waiting.insert(begun),
                }
            }
        };
        let end = ready!(Pin::new(waiting).poll(cx));
        // First, so that nobody's destructor, which may hit, runs between the putting down of a value and
        // the macro that takes it.
        self.leave();
        Poll::Ready(match end {
            End::Return(value) => Returned::put(value),
            End::Continue | End::Cancelled => Returned::nothing(),
        })
    }
}

/// That a hit is over. The argument of a `return` is not in it but put down for as long as it takes to get
/// from the poll to the macro's next expression: in between, a call site would have to move it from
/// register to register.
#[expect(missing_debug_implementations, reason = "only macros see it")]
pub struct Returned<V>(PhantomData<fn() -> V>);

thread_local! {
    // Without a destructor, so that threads that are ending have it, too.
    static ARGUMENT: ManuallyDrop<Cell<Option<Option<String>>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
}

impl<V: Argument> Returned<V> {
    fn nothing() -> Self {
        Self(PhantomData)
    }

    fn put(value: Option<String>) -> Self {
        // What nobody takes would be the next one's.
        if V::RETURNS == Returns::Value {
            ARGUMENT.with(|argument| argument.set(Some(value)));
        }
        Self::nothing()
    }
}

impl<V: InWords> Returned<V> {
    /// Returns the argument of the `return`, if the hit is over by one.
    #[inline(always)]
    pub fn value(self) -> Option<V> {
        taken::<V>().map(V::from_words)
    }
}

/// An argument on its way to a call site.
pub trait InWords: Argument {
    /// What a function can return in registers, if there is such a thing.
    type Words;

    #[doc(hidden)]
    fn into_words(self) -> Self::Words;

    #[doc(hidden)]
    fn from_words(words: Self::Words) -> Self;
}

impl InWords for String {
    type Words = Box<str>;

    fn into_words(self) -> Box<str> {
        self.into_boxed_str()
    }

    #[inline(always)]
    fn from_words(words: Box<str>) -> String {
        words.into_string()
    }
}

impl InWords for Option<String> {
    type Words = Self;

    fn into_words(self) -> Self {
        self
    }

    #[inline(always)]
    fn from_words(words: Self) -> Self {
        words
    }
}

/// Takes what was put down. Out of line, and without unwinding, as [`Slot::leave`].
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "only Rust calls it")]
extern "C" fn taken<V: InWords>() -> Option<V::Words> {
    let argument = ARGUMENT.with(|argument| argument.take())?;
    V::from_argument(argument).map(V::into_words)
}
