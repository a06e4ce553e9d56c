package dev.tiermark.server.worlds;

import org.springframework.data.annotation.Id;
import org.springframework.data.relational.core.mapping.Column;
import org.springframework.data.relational.core.mapping.Table;

@Table("world")
record World(@Id Integer id, @Column("randomnumber") int randomNumber) {

    WorldResponse toResponse() {
        return new WorldResponse(id, randomNumber);
    }
}
