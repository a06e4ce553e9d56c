package dev.tiermark.server.faults;

/** One fault of a request: where, such as {@code lines.0.sku}, and which. */
public record Fault(String path, String code) {
}
