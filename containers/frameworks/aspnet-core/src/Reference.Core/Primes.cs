namespace Reference.Core;

/// <summary>Work for the processor.</summary>
public static class Primes
{
    public const int Most = 1_000_000;

    /// <summary>How many prime numbers there are below <paramref name="n"/>, by trial division.</summary>
    public static int CountBelow(int n)
    {
        var count = n > 2 ? 1 : 0;
        for (var candidate = 3; candidate < n; candidate += 2)
        {
            if (HasNoOddDivisor(candidate))
            {
                count++;
            }
        }

        return count;
    }

    private static bool HasNoOddDivisor(int candidate)
    {
        for (var divisor = 3; divisor * divisor <= candidate; divisor += 2)
        {
            if (candidate % divisor == 0)
            {
                return false;
            }
        }

        return true;
    }
}

public sealed record PrimesResponse(int N, int Primes);
