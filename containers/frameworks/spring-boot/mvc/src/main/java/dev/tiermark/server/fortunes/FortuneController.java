package dev.tiermark.server.fortunes;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;

@Controller
class FortuneController {

    private final FortuneService fortunes;

    FortuneController(FortuneService fortunes) {
        this.fortunes = fortunes;
    }

    @GetMapping("/fortunes")
    String fortunes(Model model) {
        List<Fortune> all = new ArrayList<>(fortunes.findAll());
        all.add(Fortune.ADDITIONAL);
        all.sort(Comparator.comparing(Fortune::message));
        model.addAttribute("fortunes", all);
        return "fortunes";
    }
}
