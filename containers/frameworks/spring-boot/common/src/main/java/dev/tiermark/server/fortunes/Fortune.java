package dev.tiermark.server.fortunes;

/** A row of {@code fortune}, as the template shows it. */
public record Fortune(int id, String message) {

    /** The one that every answer adds to those of the database. */
    public static final Fortune ADDITIONAL = new Fortune(0, "Additional fortune added at request time.");
}
