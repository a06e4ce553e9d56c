package dev.tiermark.server.orders;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;

/**
 * The query string of {@code GET /orders}. It has setters because of a record Spring Boot names only what could not be bound, and leaves
 * the rest unchecked.
 */
public class OrderSearch {

    @NotNull
    @Min(1)
    @Max(Integer.MAX_VALUE)
    private Long customer;

    @Min(1)
    @Max(100)
    private Long limit;

    public Long getCustomer() {
        return customer;
    }

    public void setCustomer(Long customer) {
        this.customer = customer;
    }

    public Long getLimit() {
        return limit;
    }

    public void setLimit(Long limit) {
        this.limit = limit;
    }

    public int customerId() {
        return customer.intValue();
    }

    public int limitOrDefault() {
        return limit == null ? 20 : limit.intValue();
    }
}
