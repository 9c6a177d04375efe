//! Buffers that grow without aborting the process.

use crate::error::{Error, Kind};

/// Makes `buffer` as long as `length`; what it holds is then unspecified.
///
/// # Errors
///
/// If memory runs out; `what` names the buffer in the message.
pub(crate) fn resize<T: Copy + Default>(
    buffer: &mut Vec<T>,
    length: usize,
    what: &'static str,
) -> Result<(), Error> {
    reserve(buffer, length.saturating_sub(buffer.len()), what)?;
    buffer.resize(length, T::default());
    Ok(())
}

/// [`resize`] that looks, every so many bytes, whether it is to go on: to fill what the system
/// has not touched yet takes a quarter of a second for a gigabyte, and more.
///
/// # Errors
///
/// If memory runs out, or what `look` says.
pub(crate) fn resize_while<T: Copy + Default>(
    buffer: &mut Vec<T>,
    length: usize,
    what: &'static str,
    look: impl Fn() -> Result<(), Error>,
) -> Result<(), Error> {
    const BYTES: usize = 4 << 20;
    reserve(buffer, length.saturating_sub(buffer.len()), what)?;
    while buffer.len() < length {
        look()?;
        let more = BYTES / size_of::<T>().max(1);
        buffer.resize(length.min(buffer.len() + more), T::default());
    }
    buffer.truncate(length);
    Ok(())
}

/// Makes `buffer` at least `length` long with new values.
///
/// # Errors
///
/// If memory runs out; `what` names the buffer in the message.
pub(crate) fn grow<T: Default>(
    buffer: &mut Vec<T>,
    length: usize,
    what: &'static str,
) -> Result<(), Error> {
    if buffer.len() < length {
        reserve(buffer, length - buffer.len(), what)?;
        buffer.resize_with(length, T::default);
    }
    Ok(())
}

/// Makes room for `more` elements.
///
/// # Errors
///
/// If memory runs out; `what` names the buffer in the message.
pub(crate) fn reserve<T>(
    buffer: &mut Vec<T>,
    more: usize,
    what: &'static str,
) -> Result<(), Error> {
    buffer.try_reserve(more).map_err(|_| {
        let elements = buffer.len().saturating_add(more);
        Error::from(Kind::OutOfMemory {
            what,
            bytes: elements.saturating_mul(size_of::<T>()),
        })
    })
}

/// Puts a value on the heap. The array is there because only a `Vec` can be refused memory.
///
/// # Errors
///
/// If memory runs out; `what` names the value in the message.
pub(crate) fn boxed<T>(value: T, what: &'static str) -> Result<Box<[T; 1]>, Error> {
    let mut one = Vec::new();
    let bytes = size_of::<T>();
    let no_memory = || Error::from(Kind::OutOfMemory { what, bytes });
    one.try_reserve_exact(1).map_err(|_| no_memory())?;
    one.push(value);
    one.into_boxed_slice().try_into().map_err(|_| no_memory())
}

/// Makes room for `length` elements in all.
///
/// # Errors
///
/// If memory runs out; `what` names the buffer in the message.
pub(crate) fn reserve_in_all<T>(
    buffer: &mut Vec<T>,
    length: usize,
    what: &'static str,
) -> Result<(), Error> {
    let more = length.saturating_sub(buffer.len());
    reserve(buffer, more, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_made_as_long_as_asked_for_longer_or_shorter() {
        let mut buffer = vec![7u16, 7];
        for length in [5, 0, 3, 3] {
            resize(&mut buffer, length, "numbers").unwrap();
            assert_eq!(buffer.len(), length);
        }
        let room = buffer.capacity();
        resize(&mut buffer, 0, "numbers").unwrap();
        assert_eq!(buffer.capacity(), room);
    }

    #[test]
    fn a_buffer_that_grows_keeps_what_it_holds_and_never_shrinks() {
        let mut buffer = vec![7u16, 8];
        for (length, expected) in [(1, 2), (2, 2), (4, 4), (3, 4)] {
            grow(&mut buffer, length, "numbers").unwrap();
            assert_eq!(buffer.len(), expected);
        }
        assert_eq!(buffer, [7, 8, 0, 0]);
    }

    #[test]
    fn room_is_made_beside_what_is_there() {
        let mut buffer = vec![7u16; 3];
        reserve(&mut buffer, 100, "numbers").unwrap();
        assert!(buffer.capacity() >= 103);
        assert_eq!(buffer, [7; 3]);
    }

    #[test]
    fn room_in_all_counts_what_is_there() {
        let mut buffer = vec![7u16; 3];
        for length in [0, 3, 100] {
            reserve_in_all(&mut buffer, length, "numbers").unwrap();
            assert!(buffer.capacity() >= length);
        }
        assert!(buffer.capacity() < 200 && buffer == [7; 3]);
    }

    #[test]
    fn a_long_buffer_is_filled_while_it_may() {
        let mut buffer = vec![7u64; 3];
        resize_while(&mut buffer, 5, "numbers", || Ok(())).unwrap();
        assert_eq!(buffer, [7, 7, 7, 0, 0]);
        resize_while(&mut buffer, 1, "numbers", || unreachable!()).unwrap();
        assert_eq!(buffer, [7]);
        let looks = std::cell::Cell::new(0);
        let stops = || {
            looks.set(looks.get() + 1);
            let reserved = reserve(&mut vec![0u8], usize::MAX, "the third look");
            if looks.get() < 3 { Ok(()) } else { reserved }
        };
        let error = resize_while(&mut buffer, 1 << 23, "numbers", stops).unwrap_err();
        assert!(error.to_string().contains("the third look"));
        assert_eq!((looks.get(), buffer.len()), (3, 1 + (1 << 20)));
        resize_while(&mut buffer, 1 << 21, "numbers", || Ok(())).unwrap();
        assert_eq!(buffer.len(), 1 << 21);
    }

    /// The message names the buffer, and the bytes of all that it would hold.
    #[test]
    fn what_memory_does_not_hold_is_an_error_that_says_how_much() {
        // With 32 bits, half of what they count may be there.
        let large = cfg!(target_pointer_width = "64");
        let more = usize::MAX / if large { 16 } else { 9 };
        let mut buffer = vec![7u64; 3];
        let refused = |result: Result<(), Error>, bytes: usize| {
            let error = result.unwrap_err();
            assert!(error.is_out_of_memory());
            assert_eq!(
                error.to_string(),
                format!("no memory for numbers: {bytes} bytes could not be allocated")
            );
        };
        refused(reserve(&mut buffer, more, "numbers"), (3 + more) * 8);
        refused(resize(&mut buffer, more, "numbers"), more * 8);
        refused(grow(&mut buffer, more, "numbers"), more * 8);
        // More than can be counted.
        refused(reserve(&mut buffer, usize::MAX, "numbers"), usize::MAX);
        assert_eq!(buffer, [7; 3]);
    }
}
