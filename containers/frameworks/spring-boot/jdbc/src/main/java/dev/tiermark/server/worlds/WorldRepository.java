package dev.tiermark.server.worlds;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

@Repository
class WorldRepository {

    private final JdbcClient jdbc;
    private final JdbcTemplate template;

    WorldRepository(JdbcClient jdbc, JdbcTemplate template) {
        this.jdbc = jdbc;
        this.template = template;
    }

    WorldResponse find(int id) {
        return jdbc.sql("select id, randomnumber from world where id = ?").param(id).query(WorldRepository::world).single();
    }

    WorldResponse findCached(int id) {
        return jdbc.sql("select id, randomnumber from cachedworld where id = ?").param(id).query(WorldRepository::world).single();
    }

    /** JdbcClient leaves batches to JdbcTemplate. */
    void update(List<WorldResponse> rows) {
        template.batchUpdate("update world set randomnumber = ? where id = ?", rows, rows.size(), (statement, row) -> {
            statement.setInt(1, row.randomNumber());
            statement.setInt(2, row.id());
        });
    }

    private static WorldResponse world(ResultSet row, int number) throws SQLException {
        return new WorldResponse(row.getInt(1), row.getInt(2));
    }
}
