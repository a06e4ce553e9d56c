package dev.tiermark.server.cpu;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
class CpuController {

    @GetMapping("/cpu")
    Primes cpu(@RequestParam @Min(0) @Max(Primes.MOST) int n) {
        return Primes.below(n);
    }
}
