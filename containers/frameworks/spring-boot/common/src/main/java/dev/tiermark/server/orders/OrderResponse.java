package dev.tiermark.server.orders;

import java.time.Instant;
import java.util.List;

/** An order as it is stored. */
public record OrderResponse(long id, int customer, long total, Instant created, List<OrderLine> lines) {
}
