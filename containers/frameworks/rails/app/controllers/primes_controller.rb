class PrimesController < ApplicationController
  MOST = 1_000_000

  def show
    n = whole_number(:n)
    return render_faults([ { path: "n", code: n ? "range" : "type" } ]) unless n&.between?(0, MOST)

    render json: { n:, primes: primes_below(n) }
  end

  private

  # Trial division by odd numbers up to the square root, as the contract says.
  def primes_below(n)
    count = n > 2 ? 1 : 0
    candidate = 3
    while candidate < n
      count += 1 if prime?(candidate)
      candidate += 2
    end
    count
  end

  def prime?(odd)
    divisor = 3
    while divisor * divisor <= odd
      return false if (odd % divisor).zero?

      divisor += 2
    end
    true
  end
end
