package dev.tiermark.server.upstream;

/** What the service at {@code UPSTREAM_URL} answers, and {@code /upstream} after it. */
public record UpstreamAnswer(int ms, long serial) {

    public static final int MOST_MS = 10_000;
}
