package dev.tiermark.server.fortunes;

import java.util.List;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

@Repository
class FortuneRepository {

    private final JdbcClient jdbc;

    FortuneRepository(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    List<Fortune> findAll() {
        return jdbc.sql("select id, message from fortune").query((row, _) -> new Fortune(row.getInt(1), row.getString(2))).list();
    }
}
