//! The black-box tests.
