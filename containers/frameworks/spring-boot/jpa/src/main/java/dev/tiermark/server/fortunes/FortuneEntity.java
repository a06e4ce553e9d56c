package dev.tiermark.server.fortunes;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

@Entity
@Immutable
@Table(name = "fortune")
public class FortuneEntity {

    @Id
    private Integer id;

    private String message;

    protected FortuneEntity() {
    }

    Fortune toFortune() {
        return new Fortune(id, message);
    }
}
