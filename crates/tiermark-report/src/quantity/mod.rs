//! What a run says of each quantity, computed in one place.
//!
//! [`of`] reads a quantity off a trial, a load level or an entry; [`level`] says at which load level entries are compared;
//! [`spread`] goes from what each start showed to logarithms and intervals; [`words`] writes a number in its unit. Tables, charts,
//! the recommendation, claims, comparisons, trends and gates take their numbers from here. What each quantity is counted in and
//! whether more of it is better is [`Quantity::facts`].
//!
//! [`Quantity::facts`]: tiermark_model::format::quantity::Quantity::facts

pub(crate) mod level;
pub(crate) mod of;
pub(crate) mod spread;
pub(crate) mod words;

pub use of::ServerUse;
