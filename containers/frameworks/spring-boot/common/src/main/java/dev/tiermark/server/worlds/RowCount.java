package dev.tiermark.server.worlds;

import java.math.BigInteger;

/** How many rows are asked for: 1 to 500, whatever stands in the query string. */
public record RowCount(int value) {

    private static final BigInteger LEAST = BigInteger.ONE;
    private static final BigInteger MOST = BigInteger.valueOf(500);

    /** Spring converts a request's parameter by this method. */
    public static RowCount valueOf(String text) {
        try {
            return new RowCount(new BigInteger(text).max(LEAST).min(MOST).intValue());
        } catch (NumberFormatException fault) {
            return new RowCount(1);
        }
    }
}
