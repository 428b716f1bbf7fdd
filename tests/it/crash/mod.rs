//! A server that is killed, and what it must not lose.
