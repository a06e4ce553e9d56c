package dev.tiermark.server.worlds;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

@Entity
@Immutable
@Table(name = "cachedworld")
public class CachedWorld {

    @Id
    private Integer id;

    @Column(name = "randomnumber")
    private int randomNumber;

    protected CachedWorld() {
    }

    WorldResponse toResponse() {
        return new WorldResponse(id, randomNumber);
    }
}
