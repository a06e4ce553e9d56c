package dev.tiermark.server.orders;

import java.util.List;
import java.util.Map;

import dev.tiermark.server.faults.NoUnknownFields;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;

/**
 * What a client sends to store an order. Numbers are read as {@code Long}, so that one beyond an {@code int} is out of range like any
 * other; fields that should not be there are collected, so that they are named together with all other faults.
 */
public record OrderRequest(
    @NotNull @Min(1) @Max(Integer.MAX_VALUE) Long customer,
    @NotNull @Size(min = 1, max = 50) List<@NotNull @Valid Line> lines,
    @NoUnknownFields Map<String, Object> unknown) {

    public record Line(
        @NotNull @Pattern(regexp = "[A-Z0-9-]{3,32}") String sku,
        @NotNull @Min(1) @Max(1_000) Long quantity,
        @NotNull @Min(1) @Max(10_000_000) Long price,
        @NoUnknownFields Map<String, Object> unknown) {
    }

    public int customerId() {
        return customer.intValue();
    }

    public List<OrderLine> orderLines() {
        return lines.stream().map(line -> new OrderLine(line.sku, line.quantity.intValue(), line.price.intValue())).toList();
    }

    public long total() {
        return lines.stream().mapToLong(line -> line.quantity * line.price).sum();
    }
}
