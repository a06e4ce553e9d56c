package dev.tiermark.server.worlds;

import java.util.Collection;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What the contract lets the server draw: ids of {@code world} and new values of its rows, both from 1 to 10,000. */
public final class RandomNumbers {

    private static final int MOST = 10_000;

    private RandomNumbers() {
    }

    public static int next() {
        return ThreadLocalRandom.current().nextInt(1, MOST + 1);
    }

    /**
     * A new value that is not the old one: an object-relational mapper writes back only what has changed, and the contract asks for every
     * row to be written.
     */
    public static int otherThan(int old) {
        int number = next();
        while (number == old) {
            number = next();
        }
        return number;
    }

    public static IntStream stream(int count) {
        return IntStream.generate(RandomNumbers::next).limit(count);
    }

    /** Different ids, sorted: rows that are locked in one order do not deadlock. */
    public static Collection<Integer> distinctSorted(int count) {
        return IntStream.generate(RandomNumbers::next).distinct().limit(count).boxed().collect(Collectors.toCollection(TreeSet::new));
    }
}
