package dev.tiermark.server.fortunes;

import org.springframework.data.annotation.Id;
import org.springframework.data.relational.core.mapping.Table;

@Table("fortune")
record FortuneEntity(@Id Integer id, String message) {

    Fortune toFortune() {
        return new Fortune(id, message);
    }
}
