package dev.tiermark.server.fortunes;

import java.util.Comparator;

import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;

import reactor.core.publisher.Mono;

@Controller
class FortuneController {

    private final FortuneRepository fortunes;

    FortuneController(FortuneRepository fortunes) {
        this.fortunes = fortunes;
    }

    @GetMapping("/fortunes")
    Mono<String> fortunes(Model model) {
        return fortunes.findAll()
            .map(FortuneEntity::toFortune)
            .concatWithValues(Fortune.ADDITIONAL)
            .collectSortedList(Comparator.comparing(Fortune::message))
            .map(all -> {
                model.addAttribute("fortunes", all);
                return "fortunes";
            });
    }
}
