package dev.tiermark.server.fortunes;

import java.util.List;

import org.springframework.stereotype.Service;

@Service
class JpaFortuneService implements FortuneService {

    private final FortuneRepository fortunes;

    JpaFortuneService(FortuneRepository fortunes) {
        this.fortunes = fortunes;
    }

    @Override
    public List<Fortune> findAll() {
        return fortunes.findAll().stream().map(FortuneEntity::toFortune).toList();
    }
}
