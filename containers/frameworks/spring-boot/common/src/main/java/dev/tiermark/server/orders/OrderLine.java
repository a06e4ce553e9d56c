package dev.tiermark.server.orders;

/** A line of an order; its price is in cents. */
public record OrderLine(String sku, int quantity, int price) {
}
