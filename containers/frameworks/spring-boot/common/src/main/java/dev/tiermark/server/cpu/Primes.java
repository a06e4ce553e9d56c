package dev.tiermark.server.cpu;

/** The answer of {@code /cpu}: how many primes there are below {@code n}. */
public record Primes(int n, int primes) {

    public static final int MOST = 1_000_000;

    /** Counts by trial division, as the contract prescribes. */
    public static Primes below(int n) {
        int count = n > 2 ? 1 : 0;
        for (int candidate = 3; candidate < n; candidate += 2) {
            if (isPrime(candidate)) {
                count++;
            }
        }
        return new Primes(n, count);
    }

    private static boolean isPrime(int odd) {
        for (int divisor = 3; divisor * divisor <= odd; divisor += 2) {
            if (odd % divisor == 0) {
                return false;
            }
        }
        return true;
    }
}
