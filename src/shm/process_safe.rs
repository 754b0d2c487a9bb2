//! Which types may live in memory that processes share.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::num::{Saturating, Wrapping};

use crate::shm::layout::Layout;

/// A type that may live in memory shared between processes, as [`Send`] and [`Sync`] are for
/// memory shared between threads.
///
/// The numbers, this crate's primitives, and arrays and tuples of such types implement it, and a struct
/// of them [derives](derive@crate::ProcessSafe) it: nobody needs `unsafe` for a struct of safe parts.
///
/// ```
/// use multiproc::{Lock, ProcessSafe, Shared};
///
/// /// What the workers report.
/// #[derive(Default, ProcessSafe)]
/// struct Stats {
///     seen: u64,
///     mean: f64,
/// }
///
/// let stats = Shared::new(Lock::new(Stats::default()))?;
/// stats.lock()?.seen += 1;
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// What points, what owns and what is not just any bits, does not implement it:
///
/// ```compile_fail
/// multiproc::Shared::new(String::from("points to the heap of one process"));
/// ```
/// ```compile_fail
/// multiproc::Shared::new(true); // a peer could write a 2 into it: use a u8
/// ```
///
/// Nor can a lock be what another lock guards: whoever holds the outer one could move it.
///
/// ```compile_fail
/// multiproc::Shared::new(multiproc::Lock::new((multiproc::Lock::new(1), 2)));
/// ```
/// ```compile_fail
/// type Nested = multiproc::Lock<multiproc::Lock<u32>>;
/// let _ = multiproc::Shared::<Nested>::open("made by a peer that means harm");
/// ```
///
/// # Safety
///
/// Whoever implements it promises that of every value, in any process that maps the memory:
///
/// 1. **No address.** It holds no pointer, reference, function pointer or vtable: the memory lies
///    elsewhere in every process.
/// 2. **Nothing of one process or thread.** No file descriptor, no handle, no thread or process
///    number whose meaning ends with its owner, nothing keyed by an address (a private futex).
/// 3. **Every bit pattern is a value.** A peer may write anything: so no `bool`, `char`,
///    reference, `NonZero` or enum, unless what is read is checked first.
/// 4. **No drop.** Nobody knows which process is the last, so nothing is ever dropped in place.
///    ([`Shared::new`](crate::Shared::new) refuses types that need it, at compile time.)
/// 5. **One layout.** `repr(C)`, `repr(transparent)` or a primitive, so that all who map it agree; or
///    else [`LAYOUT`](ProcessSafe::LAYOUT) tells where each part lies, so that a program whose compiler
///    puts them elsewhere is refused.
/// 6. **Sharing is by atomics or under a lock of this crate.** A lock that only threads know
///    (std's, parking_lot's) does not exclude another process. And who holds the lock of this crate may
///    give it up for a while, at a [`Condition`](crate::Condition), and keep references: what others do
///    meanwhile does them no harm.
/// 7. **[`settle`](ProcessSafe::settle) reaches every part** that implements this trait, and
///    [`PINNED`](ProcessSafe::PINNED) is true if it is of any part.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in memory that processes share",
    label = "this type is not `ProcessSafe`",
    note = "numbers are, this crate's primitives, and arrays, tuples and structs of them: put \
            `#[derive(multiproc::ProcessSafe)]` above a struct of your own",
    note = "what points to memory of one process is not, nor what is not just any bits: instead of a \
            `Vec` or a `String` use an array `[T; N]`, a `SharedArray`, or send the values by a \
            `Queue` or a `pipe`; instead of a `bool` or an enum use a `u8`; instead of std's atomics, \
            locks and `Arc` use `Value`, `Lock` and `Shared`"
)]
pub unsafe trait ProcessSafe: Sized + 'static {
    /// Whether a settled value must stay where it is: true of a lock, which the kernel knows by
    /// its address while it is held, and of whatever contains one.
    ///
    /// Such a value cannot be what a [`Lock`](crate::Lock) guards: a guard gives `&mut`, and with
    /// that, safe code can move it (`mem::swap`). It would be of no use there either, since only
    /// the holder of the outer lock can reach it.
    const PINNED: bool = true;

    /// What two programs that share such a value must agree on, besides the name that the compiler
    /// gives the type: whoever has another layout is refused the memory.
    ///
    /// The numbers, arrays, tuples, this crate's primitives and structs that
    /// [derive](derive@crate::ProcessSafe) this trait tell their parts; what is said here for a type of
    /// one's own is its size and its alignment. To tell its parts too, see [`Layout`].
    const LAYOUT: Layout = Layout::of::<Self>();

    /// Called once, when the value has come to its place in shared memory and nobody else knows
    /// of it yet. A composite passes it on to each of its parts: a lock learns in this way that
    /// its waiters may be other processes.
    ///
    /// # Safety
    ///
    /// From now on the value is not moved, and it lies in memory that this crate has mapped, and that
    /// stays mapped as long as a lock in it is held.
    unsafe fn settle(&mut self) {}
}

/// Implements the trait [`ProcessSafe`](trait@ProcessSafe) for a struct all of whose fields are `ProcessSafe`.
///
/// ```
/// use multiproc::{Lock, ProcessSafe, Semaphore, Shared};
///
/// #[derive(ProcessSafe)]
/// struct Stock<T, const N: usize> {
///     free: Semaphore,
///     places: [Lock<T>; N],
/// }
///
/// let places = [const { Lock::new(0u32) }; 8];
/// let stock = Shared::new(Stock { free: Semaphore::new(8), places })?;
/// *stock.places[3].lock()? += 1;
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// The struct has named fields, or fields with numbers, or none. It may have parameters, but no
/// lifetimes; it is `ProcessSafe` for those of which each field is.
///
/// ```compile_fail
/// #[derive(multiproc::ProcessSafe)]
/// struct Wrong {
///     name: String, // points to the heap of one process
/// }
/// ```
/// ```compile_fail
/// #[derive(multiproc::ProcessSafe)]
/// enum Wrong {
///     Yes, // a peer could write a number that is none of them
///     No,
/// }
/// ```
///
/// # How it lies in memory
///
/// As the compiler likes, which may be another way in another version of it: a program in which a field
/// lies elsewhere is refused the memory (see [`ProcessSafe::LAYOUT`]). For a struct that programs share
/// which are not compiled together, write `#[repr(C)]` above it. A packed struct is refused.
///
/// # What a value may be
///
/// Any that its fields may be: a peer can write any numbers, and a `Deserialize` that asks for a
/// [`Shared`](crate::Shared) of the struct is given one of zeros when it is tried out before the first value is
/// sent. So a constructor that refuses some numbers does not keep them out: check them where something
/// rests on them.
///
/// # Where the crate has another name
///
/// ```
/// use multiproc as mp;
///
/// #[derive(mp::ProcessSafe)]
/// #[process_safe(crate = mp)]
/// struct Point(f64, f64);
/// # mp::Shared::new(Point(1.0, 2.0)).unwrap();
/// ```
pub use multiproc_derive::ProcessSafe;

macro_rules! plain {
    ($($type:ty),* $(,)?) => { $(
        // SAFETY: plain numbers (or nothing): no address, no owner, any bits, no drop.
        unsafe impl ProcessSafe for $type {
            const PINNED: bool = false;
            const LAYOUT: Layout = Layout::of::<Self>().named(stringify!($type));
        }
    )* };
}

plain!((), u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);

// SAFETY: nothing is stored.
unsafe impl<T: 'static> ProcessSafe for PhantomData<T> {
    const PINNED: bool = false;
}

/// For what an [`RLock`](crate::RLock) guards; by itself it is not [`Sync`], so not to be shared.
// SAFETY: transparent; the part's promises hold. What could be swapped out of it is refused.
unsafe impl<T: ProcessSafe> ProcessSafe for Cell<T> {
    const PINNED: bool = {
        assert!(!T::PINNED, "a lock in a Cell could be moved (see ProcessSafe::PINNED)");
        false
    };
    const LAYOUT: Layout = Layout::of::<Self>().part::<T>("Cell", 0);

    unsafe fn settle(&mut self) {
        const { assert!(!Self::PINNED) };
        // SAFETY: the caller's promise for the whole holds for the part.
        unsafe { self.get_mut().settle() };
    }
}

// SAFETY: transparent; the part's promises hold.
unsafe impl<T: ProcessSafe> ProcessSafe for Wrapping<T> {
    const PINNED: bool = T::PINNED;
    const LAYOUT: Layout = Layout::of::<Self>().part::<T>("Wrapping", 0);

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for the part.
        unsafe { self.0.settle() };
    }
}

// SAFETY: transparent; the part's promises hold.
unsafe impl<T: ProcessSafe> ProcessSafe for Saturating<T> {
    const PINNED: bool = T::PINNED;
    const LAYOUT: Layout = Layout::of::<Self>().part::<T>("Saturating", 0);

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for the part.
        unsafe { self.0.settle() };
    }
}

// SAFETY: an array is its elements side by side, and each is settled.
unsafe impl<T: ProcessSafe, const N: usize> ProcessSafe for [T; N] {
    const PINNED: bool = T::PINNED;
    // Each lies its own size behind the last; so with the whole's size, their number is known.
    const LAYOUT: Layout = Layout::of::<Self>().part::<T>("[]", 0);

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for each part.
        self.iter_mut().for_each(|part| unsafe { part.settle() });
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))*) => { $(
        // SAFETY: a tuple is its parts, and each is settled. Where they lie is the compiler's choice:
        // the layout tells it, and keeps out a program whose compiler chose otherwise.
        unsafe impl<$($name: ProcessSafe),+> ProcessSafe for ($($name,)+) {
            const PINNED: bool = false $(|| $name::PINNED)+;
            const LAYOUT: Layout = Layout::of::<Self>()
                $(.part::<$name>(stringify!($index), offset_of!(Self, $index)))+;

            unsafe fn settle(&mut self) {
                // SAFETY: the caller's promise for the whole holds for each part.
                unsafe { $(self.$index.settle();)+ }
            }
        }
    )* };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
