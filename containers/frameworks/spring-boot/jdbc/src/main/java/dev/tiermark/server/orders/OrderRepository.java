package dev.tiermark.server.orders;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.ResultSetExtractor;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The tables {@code orders} and {@code order_lines}. */
@Repository
class OrderRepository {

    private static final String WITH_LINES = """
        select o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price
        from %s o left join order_lines l on l.order_id = o.id
        order by o.id desc, l.position
        """;

    private static final String BY_ID = WITH_LINES.formatted("(select * from orders where id = :id)");

    private static final String BY_CUSTOMER = WITH_LINES.formatted(
        "(select * from orders where customer = :customer order by id desc limit :limit)");

    /** One row for each line becomes one order for all of its lines. */
    private static final ResultSetExtractor<List<OrderResponse>> ORDERS = OrderRepository::orders;

    private final JdbcClient jdbc;
    private final JdbcTemplate template;

    OrderRepository(JdbcClient jdbc, JdbcTemplate template) {
        this.jdbc = jdbc;
        this.template = template;
    }

    Optional<OrderResponse> find(long id) {
        return jdbc.sql(BY_ID).param("id", id).query(ORDERS).stream().findFirst();
    }

    List<OrderResponse> findByCustomer(int customer, int limit) {
        return jdbc.sql(BY_CUSTOMER).param("customer", customer).param("limit", limit).query(ORDERS);
    }

    OrderResponse insert(int customer, long total, List<OrderLine> lines) {
        OrderResponse order = jdbc.sql("insert into orders (customer, total) values (:customer, :total) returning id, created_at")
            .param("customer", customer)
            .param("total", total)
            .query((row, _) -> new OrderResponse(row.getLong("id"), customer, total, created(row), lines))
            .single();
        insertLines(order.id(), lines);
        return order;
    }

    /** The update locks the order, so that of two requests that replace its lines one waits for the other. */
    Optional<OrderResponse> replace(long id, int customer, long total, List<OrderLine> lines) {
        Optional<OrderResponse> order = jdbc
            .sql("update orders set customer = :customer, total = :total where id = :id returning created_at")
            .param("customer", customer)
            .param("total", total)
            .param("id", id)
            .query((row, _) -> new OrderResponse(id, customer, total, created(row), lines))
            .optional();
        if (order.isPresent()) {
            jdbc.sql("delete from order_lines where order_id = :id").param("id", id).update();
            insertLines(id, lines);
        }
        return order;
    }

    /** The lines go with the order, as the foreign key says. */
    boolean delete(long id) {
        return jdbc.sql("delete from orders where id = :id").param("id", id).update() > 0;
    }

    /** JdbcClient leaves batches to JdbcTemplate. */
    private void insertLines(long order, List<OrderLine> lines) {
        List<Object[]> rows = IntStream.range(0, lines.size())
            .mapToObj(position -> {
                OrderLine line = lines.get(position);
                return new Object[] {order, position, line.sku(), line.quantity(), line.price()};
            })
            .toList();
        template.batchUpdate("insert into order_lines (order_id, position, sku, quantity, price) values (?, ?, ?, ?, ?)", rows);
    }

    private static List<OrderResponse> orders(ResultSet row) throws SQLException {
        Map<Long, OrderResponse> orders = new LinkedHashMap<>();
        while (row.next()) {
            long id = row.getLong("id");
            OrderResponse order = orders.get(id);
            if (order == null) {
                order = new OrderResponse(id, row.getInt("customer"), row.getLong("total"), created(row), new ArrayList<>());
                orders.put(id, order);
            }
            String sku = row.getString("sku");
            if (sku != null) {
                order.lines().add(new OrderLine(sku, row.getInt("quantity"), row.getInt("price")));
            }
        }
        return List.copyOf(orders.values());
    }

    private static Instant created(ResultSet row) throws SQLException {
        return row.getObject("created_at", OffsetDateTime.class).toInstant();
    }
}
