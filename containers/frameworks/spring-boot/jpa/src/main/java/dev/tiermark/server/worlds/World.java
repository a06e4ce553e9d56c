package dev.tiermark.server.worlds;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;

@Entity
public class World {

    @Id
    private Integer id;

    @Column(name = "randomnumber")
    private int randomNumber;

    protected World() {
    }

    int getRandomNumber() {
        return randomNumber;
    }

    void setRandomNumber(int randomNumber) {
        this.randomNumber = randomNumber;
    }

    WorldResponse toResponse() {
        return new WorldResponse(id, randomNumber);
    }
}
