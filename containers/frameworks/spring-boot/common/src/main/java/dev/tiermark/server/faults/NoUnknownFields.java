package dev.tiermark.server.faults;

import static java.lang.annotation.ElementType.FIELD;
import static java.lang.annotation.ElementType.METHOD;
import static java.lang.annotation.ElementType.PARAMETER;
import static java.lang.annotation.RetentionPolicy.RUNTIME;

import java.lang.annotation.Retention;
import java.lang.annotation.Target;

import com.fasterxml.jackson.annotation.JacksonAnnotationsInside;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonProperty;
import jakarta.validation.Constraint;
import jakarta.validation.Payload;
import jakarta.validation.ReportAsSingleViolation;
import jakarta.validation.constraints.Size;

/**
 * Stands at a map of a record: Jackson puts the fields into it that the record does not have, and Bean Validation says that it must stay
 * empty. So they are named together with all other faults.
 */
@JacksonAnnotationsInside
@JsonAnySetter
@JsonProperty(NoUnknownFields.NAME)
@Size(max = 0)
@ReportAsSingleViolation
@Constraint(validatedBy = {})
@Target({FIELD, METHOD, PARAMETER})
@Retention(RUNTIME)
public @interface NoUnknownFields {

    /** Jackson takes a record's component for a field of the body too, so its name must be one that no body has. */
    String NAME = "\0";

    String message() default "must not be there";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};
}
