//! Random numbers that belong to a name: what is drawn for one candidate and criterion does not depend on what else there is.
//! (Common random numbers; Law, *Simulation Modeling and Analysis*, 5th ed. 2015, ch. 11.2.)

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

/// Seed of every recommendation: the same question gets the same answer.
const SEED: u64 = 0x7469_6572_6d61_726b;

/// A stream of random numbers of its own for these names.
pub(crate) struct RandomStream(SmallRng);

impl RandomStream {
    /// The same names give the same stream (FNV-1a, with a byte between names that no name holds).
    pub(crate) fn of(names: &[&str]) -> Self {
        const PRIME: u64 = 0x0100_0000_01b3;
        let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff]));
        let hash = bytes.fold(SEED ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        Self(SmallRng::seed_from_u64(hash))
    }

    /// Uniform, above 0 and below 1.
    fn uniform(&mut self) -> f64 {
        self.0.random_range(f64::EPSILON..1.0)
    }

    /// Standard normal (Box and Muller, *Annals of Mathematical Statistics* 29, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma of that shape, scale 1 (Marsaglia and Tsang, *ACM Transactions on Mathematical Software* 26, 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Student's t with these degrees of freedom.
    pub(crate) fn t(&mut self, degrees: usize) -> f64 {
        let degrees = degrees.max(1) as f64;
        let chi_squared = 2.0 * self.gamma(degrees / 2.0);
        self.normal() / (chi_squared / degrees).sqrt()
    }

    /// One step down or up with a quarter each, else none.
    pub(crate) fn step(&mut self) -> f64 {
        match self.0.random_range(0..4u8) {
            0 => -1.0,
            1 => 1.0,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RandomStream;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let all: Vec<f64> = (0..20_000).map(|_| draw()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        (mean, variance)
    }

    #[test]
    fn the_distributions_have_their_means_and_variances() {
        let mut stream = RandomStream::of(&["test"]);
        let near = |found: (f64, f64), mean: f64, variance: f64| {
            assert!(
                (found.0 - mean).abs() < 0.05 && (found.1 / variance - 1.0).abs() < 0.1,
                "{found:?} in place of {mean}, {variance}"
            );
        };
        near(moments(|| stream.normal()), 0.0, 1.0);
        near(moments(|| stream.gamma(0.5)), 0.5, 0.5);
        near(moments(|| stream.gamma(6.0)), 6.0, 6.0);
        near(moments(|| stream.t(10)), 0.0, 1.25);
        near(moments(|| stream.step()), 0.0, 0.5);
    }

    #[test]
    fn a_stream_belongs_to_its_names() {
        let first = |names: &[&str]| RandomStream::of(names).normal();
        assert_eq!(first(&["a", "b"]), first(&["a", "b"]));
        assert_ne!(first(&["a", "b"]), first(&["ab"]));
        assert_ne!(first(&["a", "b"]), first(&["b", "a"]));
    }
}
