package dev.tiermark.server.faults;

import java.util.Optional;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

import tools.jackson.core.JacksonException;

/** Answers requests that cannot be accepted; {@link Faults} has the translation. */
@RestControllerAdvice
class FaultAdvice {

    @ExceptionHandler
    ResponseEntity<Faults> invalid(MethodArgumentNotValidException fault) {
        return ResponseEntity.unprocessableContent().body(Faults.of(fault.getBindingResult()));
    }

    @ExceptionHandler
    ResponseEntity<Faults> unreadable(HttpMessageNotReadableException fault, HttpServletRequest request) {
        Optional<Faults> faults = Optional.empty();
        if (fault.getCause() instanceof JacksonException failure) {
            faults = Faults.of(failure);
        } else if (request.getContentLength() > 0) {
            // There was a body, and what Jackson made of it is nothing: null.
            faults = Optional.of(Faults.NO_OBJECT);
        }
        return faults.map(body -> ResponseEntity.unprocessableContent().body(body)).orElse(ResponseEntity.badRequest().build());
    }
}
