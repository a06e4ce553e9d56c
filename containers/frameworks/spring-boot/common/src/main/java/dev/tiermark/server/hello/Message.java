package dev.tiermark.server.hello;

/** The answer of {@code /json}. */
public record Message(String message) {
}
