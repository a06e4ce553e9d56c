package dev.tiermark.server.faults;

import java.util.Optional;

import org.springframework.core.codec.DecodingException;
import org.springframework.http.ResponseEntity;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.bind.support.WebExchangeBindException;
import org.springframework.web.server.ServerWebInputException;

import tools.jackson.core.JacksonException;

/** Answers requests that cannot be accepted; {@link Faults} has the translation. */
@RestControllerAdvice
class FaultAdvice {

    @ExceptionHandler
    ResponseEntity<Faults> invalid(WebExchangeBindException fault) {
        return ResponseEntity.unprocessableContent().body(Faults.of(fault.getBindingResult()));
    }

    @ExceptionHandler
    ResponseEntity<Faults> unreadable(ServerWebInputException fault, ServerHttpRequest request) {
        Optional<Faults> faults = Optional.empty();
        if (fault.getCause() instanceof DecodingException decoding) {
            if (decoding.getCause() instanceof JacksonException failure) {
                faults = Faults.of(failure);
            } else if (request.getHeaders().getContentLength() > 0) {
                // There was a body, and what Jackson made of it is nothing: null.
                faults = Optional.of(Faults.NO_OBJECT);
            }
        }
        return faults.map(body -> ResponseEntity.unprocessableContent().body(body)).orElse(ResponseEntity.badRequest().build());
    }
}
