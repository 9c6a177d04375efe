//! The best k tokens of a row.
