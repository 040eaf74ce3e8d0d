//! Empty: what is wanted is what it is built on.
#![no_std]
