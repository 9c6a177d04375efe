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
