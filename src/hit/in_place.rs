//! Hits of macros that await in place. Most of a program's call sites in async code are of these, so each
//! is as little code as can be: the check whether it is idle, a poll, a drop, and the way of a value.

use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::engine::context::FailpointContext;
use crate::engine::report;
use crate::engine::site::{Site, Spot, Target};
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
pub fn begin<P: Place>(place: P) -> Option<InPlace<Box<String>, P::Held>> {
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
) -> Option<InPlace<Box<String>, ()>> {
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

/// What a macro awaits in place: a hit, and what it then waits for; `Some` is the argument of a
/// `return`. It borrows nothing, so that neither the name nor the context is held across the await.
///
/// A call site has no more code of it than a poll and a drop.
#[expect(missing_debug_implementations, reason = "only macros see it")]
pub struct InPlace<V, H> {
    held: H,
    /// `None` before the hit, and after its end. Dropped by [`leave`].
    waiting: ManuallyDrop<Option<Waiting<'static>>>,
    argument: PhantomData<fn() -> V>,
}

impl<V, H> InPlace<V, H> {
    #[inline(always)]
    fn new(held: H, waiting: Option<Waiting<'static>>) -> Self {
        let (waiting, argument) = (ManuallyDrop::new(waiting), PhantomData);
        Self {
            held,
            waiting,
            argument,
        }
    }
}

impl<V, H> Unpin for InPlace<V, H> {}

impl<V: Argument, H: Held> Future for InPlace<V, H> {
    type Output = Option<V>;

    #[inline(always)]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<V>> {
        let this = self.get_mut();
        poll_in_place(&mut this.waiting, this.held.site(), cx)
    }
}

impl<V, H> Drop for InPlace<V, H> {
    #[inline(always)]
    fn drop(&mut self) {
        leave(&mut self.waiting);
    }
}

/// Hits `site`, unless something waits already. (A macro does not poll again what is ready, or what
/// panicked: it would hit again.)
#[inline(never)]
#[track_caller]
fn poll_in_place<V: Argument>(
    waiting: &mut Option<Waiting<'static>>,
    site: Option<&'static Site>,
    cx: &mut Context<'_>,
) -> Poll<Option<V>> {
    let waiting = match (&mut *waiting, site) {
        (Some(waiting), _) => waiting,
        (None, None) => return Poll::Ready(None),
        (None, Some(site)) => match begin_armed(&site.into(), None, None, V::RULES, V::RETURNS) {
            Begun::Continue => return Poll::Ready(None),
            Begun::Return(value) => return Poll::Ready(V::from_argument(value)),
            Begun::Wait(begun) => waiting.insert(begun),
        },
    };
    Pin::new(waiting).poll(cx).map(|end| match end {
        End::Return(value) => V::from_argument(value),
        End::Continue | End::Cancelled => None,
    })
}

/// Drops what a call site waits for. Without unwinding: where it can, a call site has a fourth more code.
/// The compiler knows of no other function than one with a foreign ABI that it cannot.
#[cold]
#[inline(never)]
extern "C" fn leave(waiting: &mut Option<Waiting<'static>>) {
    let Some(waiting) = waiting.take() else {
        return;
    };
    if caught(|| drop(waiting)).is_none() {
        report::panicked_in_a_destructor();
    }
}

/// Takes what a macro awaited out of its box. Out of line, and without unwinding, as `leave`.
#[cold]
#[inline(never)]
pub extern "C" fn unboxed<V>(value: Box<V>) -> V {
    *value
}
