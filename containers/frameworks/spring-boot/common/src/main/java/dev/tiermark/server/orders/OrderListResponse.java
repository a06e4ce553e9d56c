package dev.tiermark.server.orders;

import java.util.List;

/** A customer's orders. */
public record OrderListResponse(List<OrderResponse> orders) {
}
