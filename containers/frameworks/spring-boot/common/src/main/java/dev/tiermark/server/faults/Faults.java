package dev.tiermark.server.faults;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.springframework.validation.Errors;
import org.springframework.validation.FieldError;

import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.exc.MismatchedInputException;

/**
 * The body of a 422: what Bean Validation, data binding and Jackson found, in the contract's words. This is the only place that knows
 * both.
 */
public record Faults(List<Fault> errors) {

    /** The whole body is no object, or {@code null}. */
    public static final Faults NO_OBJECT = new Faults(List.of(new Fault("", "type")));

    /** Codes by the constraint that was broken. */
    private static final Map<String, String> CODES = Map.of(
        "NotNull", "required",
        "Min", "range",
        "Max", "range",
        "Size", "size",
        "Pattern", "format");

    /** Of values that were read but are not valid. */
    public static Faults of(Errors errors) {
        return new Faults(errors.getFieldErrors().stream().flatMap(Faults::of).toList());
    }

    /** Of JSON that was read but does not fit; empty where the text is no JSON. Jackson stops at the first such fault. */
    public static Optional<Faults> of(JacksonException failure) {
        String code = switch (failure) {
            case InputCoercionException _ -> "range"; // A whole number that is too large for a long.
            case MismatchedInputException _ -> "type";
            default -> null;
        };
        if (code == null) {
            return Optional.empty();
        }
        String path = failure.getPath().stream()
            .map(step -> step.getPropertyName() != null ? step.getPropertyName() : Integer.toString(step.getIndex()))
            .collect(Collectors.joining("."));
        return Optional.of(new Faults(List.of(new Fault(path, code))));
    }

    private static Stream<Fault> of(FieldError error) {
        String path = error.getField().replace("[", ".").replace("]", "");
        if (error.isBindingFailure()) {
            // Text that is no number, or a number that is too large for a long.
            boolean wholeNumber = error.getRejectedValue() instanceof String text && text.matches("-?[0-9]+");
            return Stream.of(new Fault(path, wholeNumber ? "range" : "type"));
        }
        String constraint = error.getCode();
        if (NoUnknownFields.class.getSimpleName().equals(constraint) && error.getRejectedValue() instanceof Map<?, ?> fields) {
            String parent = path.substring(0, path.lastIndexOf('.') + 1);
            return fields.keySet().stream().map(field -> new Fault(parent + field, "unknown"));
        }
        return Stream.of(new Fault(path, CODES.getOrDefault(constraint, "invalid")));
    }
}
