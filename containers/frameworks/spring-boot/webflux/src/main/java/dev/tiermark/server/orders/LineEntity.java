package dev.tiermark.server.orders;

import java.util.List;
import java.util.stream.IntStream;

import org.springframework.data.annotation.Id;
import org.springframework.data.relational.core.mapping.Column;
import org.springframework.data.relational.core.mapping.Table;

@Table("order_lines")
record LineEntity(@Id Long id, @Column("order_id") long order, int position, String sku, int quantity, int price) {

    static List<LineEntity> of(long order, List<OrderLine> lines) {
        return IntStream.range(0, lines.size())
            .mapToObj(position -> {
                OrderLine line = lines.get(position);
                return new LineEntity(null, order, position, line.sku(), line.quantity(), line.price());
            })
            .toList();
    }

    OrderLine toOrderLine() {
        return new OrderLine(sku, quantity, price);
    }
}
