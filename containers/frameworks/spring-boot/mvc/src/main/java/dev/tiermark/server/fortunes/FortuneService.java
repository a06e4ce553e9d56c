package dev.tiermark.server.fortunes;

import java.util.List;

/** The rows of {@code fortune}. */
public interface FortuneService {

    List<Fortune> findAll();
}
