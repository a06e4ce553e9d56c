package dev.tiermark.server.worlds;

/** A row of {@code world} or {@code cachedworld}. */
public record WorldResponse(int id, int randomNumber) {
}
